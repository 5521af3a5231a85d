/* What a text classifier has between the body and the output layer: tanh(W x + b), then dropout.
 *
 * Source: the fine-tuning of the published code, ProjectionHead of its classifiers. */
#ifndef HR_HEAD_H
#define HR_HEAD_H

#include "parameters.h"
#include "pass.h"

typedef struct hr_head {
  hr_parameter *weight, *bias; /* [D,D], [D] */
  hr_real *activation;         /* [n,D] tanh(W x + b) of the last forward pass */
  hr_real *rows;               /* [n,D] the same after dropout */
  hr_real *drows;              /* [n,D] scratch: their gradient */
} hr_head;

/* Declares weight and bias by these names. */
void hr_head_declare(hr_head *self, hr_parameters *parameters, const char *weight_name, const char *bias_name,
                     int32_t d);
/* Memory for n rows of width d. */
void hr_head_plan(hr_head *self, hr_arena *arena, int32_t n, int32_t d);

/* self->rows [n,D] of x [n,D] */
void hr_head_forward(hr_head *self, const hr_real *x, int32_t n, const hr_pass *pass);
/* dx [n,D] out, from self->drows, which is overwritten; gradients of weight and bias are added to. */
void hr_head_backward(hr_head *self, hr_real *dx, const hr_real *x, int32_t n, const hr_pass *pass);

#endif
