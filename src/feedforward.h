/* The second half of a layer: layer norm, residual and either a mixture of experts or one dense network:
 * y = LayerNorm(x + drop(ff(x))),  or y = x + drop(ff(LayerNorm(x))) with pre-layer-norm. */
#ifndef HR_FEEDFORWARD_H
#define HR_FEEDFORWARD_H

#include "dense.h"
#include "moe.h"
#include "norm.h"

typedef struct hr_feedforward {
  int32_t layer;
  int32_t d;
  bool pre_layer_norm;
  bool routes; /* a mixture of experts; else dense */
  hr_norm norm;
  hr_moe moe;
  hr_dense dense;
  hr_real *sum;   /* [N,D] x + drop(ff(x)), or LayerNorm(x) with pre-layer-norm */
  hr_real *stats; /* [N,2] */
} hr_feedforward;

typedef struct hr_feedforward_scratch {
  hr_moe_scratch moe;
  hr_dense_scratch dense;
  hr_real *core;  /* [N,D] output of the mixture, or gradient of its input */
  hr_real *dcore; /* [N,D] gradient of its output; the same place where both are not needed at a time */
} hr_feedforward_scratch;

void hr_feedforward_declare(hr_feedforward *self, hr_parameters *parameters, const hr_config *config,
                            int32_t layer);
void hr_feedforward_plan(hr_feedforward *self, hr_arena *arena, const hr_config *config, int32_t tokens);
void hr_feedforward_scratch_plan(hr_feedforward_scratch *self, hr_arena *arena, const hr_config *config,
                                 int32_t tokens);

/* Computes what is constant while the parameters are. */
void hr_feedforward_generate(hr_feedforward *self, const hr_pass *pass);

/* y [N,D] out, x [N,D] in */
void hr_feedforward_forward(hr_feedforward *self, hr_real *y, const hr_real *x,
                            hr_feedforward_scratch *scratch, const hr_pass *pass);

/* Replaces the gradient dx [N,D] of the output by that of the input x. */
void hr_feedforward_backward(hr_feedforward *self, hr_real *dx, const hr_real *x,
                             hr_feedforward_scratch *scratch, const hr_pass *pass);

/* hr_experts_similarity for the tokens of the last forward pass, whose input was x [N,D]. */
double hr_feedforward_similarity(hr_feedforward *self, const hr_real *x, hr_feedforward_scratch *scratch,
                                 const hr_pass *pass);

#endif
