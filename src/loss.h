/* The output layer, logits = W x + bias, with softmax cross-entropy. For a language model W is the embedding (tied),
 * for a classifier it has a matrix of its own. */
#ifndef HR_LOSS_H
#define HR_LOSS_H

#include "parameters.h"
#include "pass.h"

typedef struct hr_output {
  int32_t d, classes;   /* V or C */
  hr_parameter *weight; /* [V,D] */
  hr_parameter *bias;   /* [V] */
  hr_real *logits;      /* [N,V] of the last pass */
  hr_real *dlogits;     /* scratch [block,V] */
  double *losses;       /* scratch [block] */
} hr_output;

void hr_output_plan(hr_output *self, hr_arena *arena, int32_t n);

/* logits of x [N,D] */
void hr_output_forward(hr_output *self, const hr_real *x, int32_t n, const hr_pass *pass);

/* Mean over n of logsumexp(logits) - logits[target], in nats; NaN or infinite if a logit is. */
double hr_output_loss(hr_output *self, const int32_t *targets, int32_t n);

/* The same with the backward pass: dx [N,D] out; gradients of weight and bias are added to. The logits stay as they
 * are. */
double hr_output_backward(hr_output *self, hr_real *dx, const hr_real *x, const int32_t *targets, int32_t n,
                          const hr_pass *pass);

#endif
