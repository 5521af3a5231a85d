/* Which rows of the network's output the model's output reads: those of all tokens, or that of the last real token of
 * each stream, which stands for the whole sequence. */
#ifndef HR_POOL_H
#define HR_POOL_H

#include "base/arena.h"
#include "pass.h"

typedef struct hr_pool {
  bool last; /* the last real token of each stream; else all tokens */
  int32_t d;
  hr_real *rows;  /* [B,D] of the last forward pass, where there are fewer than tokens */
  hr_real *drows; /* [B,D] */
} hr_pool;

/* Takes memory for `batch` streams of width d. */
void hr_pool_plan(hr_pool *self, hr_arena *arena, int32_t batch, int32_t d);

/* Rows that come of n tokens in `batch` streams. */
int32_t hr_pool_count(const hr_pool *self, int32_t batch, int32_t n);

/* Returns the rows of x [N,D]. */
const hr_real *hr_pool_forward(hr_pool *self, const hr_real *x, const hr_pass *pass);

/* Where the gradient of the rows is to be put: dx itself, or a place of its own. */
hr_real *hr_pool_gradient(hr_pool *self, hr_real *dx);

/* dx [N,D] out, from the gradient that was put there. */
void hr_pool_backward(hr_pool *self, hr_real *dx, const hr_pass *pass);

#endif
