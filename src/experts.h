/* The experts of a layer, at work on a dispatch: y_n += sum over the rows r of token n of weight_r o_e(r)(x_n).
 *
 * moe.c says what a layer computes. Here is how that work is cut for memory, threads and caches: the rows of a dispatch
 * into chunks for which there is memory, the rows of one expert into pieces, the gradient of a matrix into shares, the
 * tokens into ranges. None of it changes a bit of the result, whatever the number of threads. */
#ifndef HR_EXPERTS_H
#define HR_EXPERTS_H

#include "dispatch.h"
#include "expert.h"

typedef struct hr_experts {
  int32_t layer;
  int32_t count; /* E */
  int32_t d, f;
  hr_parameter *w1, *c1, *w2, *c2; /* [E,F,D], [E,F], [E,D,F], [E,D] */
  hr_real *hidden;                 /* [capacity,F] of the last forward pass */
  int32_t capacity;                /* rows for which there is memory: N*K of the configuration, and a few */
} hr_experts;

/* Rows of one expert that are worked on together. */
typedef struct hr_piece {
  int32_t expert, begin, end;
} hr_piece;

/* Scratch that all layers share. */
typedef struct hr_experts_scratch {
  hr_piece *pieces;
  hr_real *x;  /* [capacity,D] tokens gathered by expert */
  hr_real *y;  /* [capacity,D] outputs, or the gradient of the layer's output, by expert */
  hr_real *dx; /* [capacity,D] */
  hr_real *dh; /* [capacity,F] */
} hr_experts_scratch;

void hr_experts_declare(hr_experts *self, hr_parameters *parameters, const hr_config *config, int32_t layer);
void hr_experts_plan(hr_experts *self, hr_arena *arena, const hr_config *config, int32_t tokens);
void hr_experts_scratch_plan(hr_experts_scratch *self, hr_arena *arena, const hr_config *config,
                             int32_t tokens);

/* y [N,D] += the experts' outputs for x [N,D] */
void hr_experts_forward(hr_experts *self, hr_real *y, const hr_real *x, const hr_dispatch *dispatch,
                        hr_experts_scratch *scratch, const hr_pass *pass);

/* Backward pass of the same dispatch; overwrites the gradients of the experts' tensors.
 *   dx        [N,D] +=
 *   dweights  [R] out  gradients of the weights of the dispatch
 *   dy, x     [N,D] in */
void hr_experts_backward(hr_experts *self, hr_real *dx, hr_real *dweights, const hr_real *dy,
                         const hr_real *x, const hr_dispatch *dispatch, hr_experts_scratch *scratch,
                         const hr_pass *pass);

/* Mean over the n tokens x [n,D], and over all pairs of experts, of the cosine between what the two experts make of the
 * token, whether it is routed to them or not: 1 is collapse. 1 if E is 1 or n is 0. An output of length 0 has the cosine 0 with
 * all others. */
double hr_experts_similarity(const hr_experts *self, const hr_real *x, int32_t n, hr_experts_scratch *scratch,
                             const hr_pass *pass);

#endif
