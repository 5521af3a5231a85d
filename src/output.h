/* The output layer, logits = W x + bias, with softmax cross-entropy. */
#ifndef HR_OUTPUT_H
#define HR_OUTPUT_H

#include "parameters.h"
#include "pass.h"

typedef struct hr_output hr_output;

typedef struct hr_output_type {
  /* Whether its tensors stand before those of the layers, as in the published state_dict. */
  bool before_layers;
  /* Whether callers may ask for the softmax of the logits. */
  bool probabilities;
  /* input: the matrix of the model's input */
  void (*declare)(hr_output *self, hr_parameters *parameters, const hr_config *config, hr_parameter *input);
} hr_output_type;

/* W is the embedding of the input [V,D]. Source: ProjectedAdaptiveLogSoftmax in the published code, with one cluster. */
extern const hr_output_type hr_output_tied;
/* A matrix of its own, to classes [C,D]. */
extern const hr_output_type hr_output_head;

struct hr_output {
  const hr_output_type *type;
  int32_t d, classes;     /* V or C */
  hr_parameter *weight;   /* [V,D] */
  hr_parameter *bias;     /* [V] */
  hr_real *logits;        /* [N,V] of the last pass */
  hr_real *probabilities; /* [N,V] where callers may ask for them */
  hr_real *dlogits;       /* scratch [block,V] */
  double *losses;         /* scratch [block] */
};

/* Memory for n rows. */
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
