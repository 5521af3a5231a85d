/* The output layer, W x + bias, with the loss: softmax cross-entropy of logits, or the mean squared error of numbers. */
#ifndef HR_OUTPUT_H
#define HR_OUTPUT_H

#include "head.h"

typedef struct hr_output hr_output;

typedef struct hr_output_type {
  /* Whether its tensors stand before those of the layers, as in the published state_dict. */
  bool before_layers;
  /* Whether rows are logits of classes, of which callers may ask for the softmax, and which may weigh differently. */
  bool classifies;
  /* Whether rows are compared with numbers; else with one of V classes. */
  bool regresses;
  /* Whether there is a head between x and the output layer. */
  bool projects;
  /* input: the matrix of the model's input */
  void (*declare)(hr_output *self, hr_parameters *parameters, const hr_config *config, hr_parameter *input);
} hr_output_type;

/* W is the embedding of the input [V,D]. Source: ProjectedAdaptiveLogSoftmax in the published code, with one cluster. */
extern const hr_output_type hr_output_tied;
/* A matrix of its own, to classes [C,D]. */
extern const hr_output_type hr_output_classes;
/* The same behind a head. */
extern const hr_output_type hr_output_projected;
/* A matrix of its own, to numbers [C,D]. */
extern const hr_output_type hr_output_numbers;

struct hr_output {
  const hr_output_type *type;
  int32_t d, columns; /* V, C or the number of outputs */
  hr_head head;
  hr_parameter *weight;   /* [V,D] */
  hr_parameter *bias;     /* [V] */
  hr_real *logits;        /* [N,V] of the last pass */
  hr_real *probabilities; /* [N,V] where callers may ask for them */
  hr_real *class_weights; /* [V] where classes may weigh differently */
  bool weighted;          /* whether they do; else each weighs 1 */
  hr_real *dlogits;       /* scratch [block,V] */
  double *losses;         /* scratch [block] */
};

/* What rows are compared with. */
typedef struct hr_targets {
  const int32_t *ids;    /* [N] */
  const hr_real *values; /* [N,V] of a regressor */
} hr_targets;

/* Memory for n rows. */
void hr_output_plan(hr_output *self, hr_arena *arena, int32_t n);

/* logits of x [N,D] */
void hr_output_forward(hr_output *self, const hr_real *x, int32_t n, const hr_pass *pass);

/* The mean over n rows, NaN or infinite if a logit is. Of classes: of w (logsumexp(logits) - logits[target]), in nats,
 * over the sum of w, the weight of the target's class. Of numbers: of the mean of (logit - value)^2 over the V numbers of
 * a row. */
double hr_output_loss(hr_output *self, const hr_targets *targets, int32_t n);

/* The same with the backward pass: dx [N,D] out; gradients of the tensors are added to. The logits stay as they are. */
double hr_output_backward(hr_output *self, hr_real *dx, const hr_real *x, const hr_targets *targets,
                          int32_t n, const hr_pass *pass);

#endif
