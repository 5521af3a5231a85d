/* A network that takes every token. As the whole feed-forward sublayer, F*E wide, it is the baseline that a mixture of
 * experts is compared with at equal total parameters (PositionwiseFF in mem_transformer.py of the published code); beside
 * the experts it is what they share (Dai et al. 2024, "DeepSeekMoE", section 3.2). */
#ifndef HR_DENSE_H
#define HR_DENSE_H

#include "expert.h"

typedef struct hr_dense {
  int32_t layer;
  int32_t d, width;
  uint64_t use; /* of random numbers: 0 for the dense sublayer, 1 for shared experts */
  hr_parameter *w1, *c1, *w2, *c2;
  hr_real *hidden; /* [N,width] */
} hr_dense;

/* Scratch that all layers share. */
typedef struct hr_dense_scratch {
  hr_real *dx; /* [N,D] */
  hr_real *dh; /* [N,width] */
} hr_dense_scratch;

/* names: of W1, c1, W2, c2 */
void hr_dense_declare(hr_dense *self, hr_parameters *parameters, int32_t layer, int32_t d, int32_t width,
                      const char *const names[4]);
void hr_dense_plan(hr_dense *self, hr_arena *arena, int32_t tokens);
void hr_dense_scratch_plan(hr_dense_scratch *self, hr_arena *arena, int32_t d, int32_t width, int32_t tokens);

/* y [N,D] = network of x [N,D] */
void hr_dense_forward(hr_dense *self, hr_real *y, const hr_real *x, const hr_pass *pass);

/* dx [N,D] += gradient; adds to the gradients of the tensors; dy [N,D] in. */
void hr_dense_backward(hr_dense *self, hr_real *dx, hr_real *dy, const hr_real *x, hr_dense_scratch *scratch,
                       const hr_pass *pass);

#endif
