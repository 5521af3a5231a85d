/* The feed-forward layer without experts: one network of width F*E takes every token. The baseline that a mixture of
 * experts is compared with at equal total parameters. Source: PositionwiseFF in mem_transformer.py of the published
 * code. */
#ifndef HR_DENSE_H
#define HR_DENSE_H

#include "expert.h"

typedef struct hr_dense {
  int32_t layer;
  int32_t d, width;
  hr_parameter *w1, *c1, *w2, *c2;
  hr_real *hidden; /* [N,F*E] */
} hr_dense;

/* Scratch that all layers share. */
typedef struct hr_dense_scratch {
  hr_real *dx; /* [N,D] */
  hr_real *dh; /* [N,F*E] */
} hr_dense_scratch;

void hr_dense_declare(hr_dense *self, hr_parameters *parameters, const hr_config *config, int32_t layer);
void hr_dense_plan(hr_dense *self, hr_arena *arena, int32_t tokens);
void hr_dense_scratch_plan(hr_dense_scratch *self, hr_arena *arena, const hr_config *config, int32_t tokens);

/* y [N,D] = network of x [N,D] */
void hr_dense_forward(hr_dense *self, hr_real *y, const hr_real *x, const hr_pass *pass);

/* dx [N,D] += gradient; adds to the gradients of the tensors; dy [N,D] is overwritten. */
void hr_dense_backward(hr_dense *self, hr_real *dx, hr_real *dy, const hr_real *x, hr_dense_scratch *scratch,
                       const hr_pass *pass);

#endif
