/* The two-layer network that experts (and the dense layer) are: o = W2 drop(relu(W1 x + c1)) + c2. */
#ifndef HR_EXPERT_H
#define HR_EXPERT_H

#include "linear.h"

typedef struct hr_expert {
  hr_linear in;  /* W1 [F,D], c1 [F] */
  hr_linear out; /* W2 [D,F], c2 [D] */
} hr_expert;

/* h [n,F] = drop(relu(x [n,D] W1^T + c1)); `key` and `first` choose the random numbers of the dropout: number
 * (i, j) is dropped by those of (first + i) F + j. */
void hr_expert_hidden(const hr_expert *self, hr_real *h, const hr_real *x, int32_t n, int32_t first,
                      uint64_t key, const hr_pass *pass);

/* o [n,D] = h W2^T + c2 */
void hr_expert_output(const hr_expert *self, hr_real *o, const hr_real *h, int32_t n, const hr_pass *pass);

/* Backward pass for what belongs to rows, of a network whose output row i goes into the layer's output times
 * weights[i].
 *   dx        [n,D] out
 *   dh        [n,F] out  gradient before the rectifier
 *   dweights  [n]   out  gradient of the weights: dy_i . o_i, taken as dy_i W2 . h_i + dy_i . c2, so that the outputs
 *                        need not be kept
 *   dy        [n,D] in   gradient of the layer's output; overwritten with weights[i] dy_i
 * weights and dweights may be NULL: all weights are 1. */
void hr_expert_backward_rows(const hr_expert *self, hr_real *dx, hr_real *dh, hr_real *dweights, hr_real *dy,
                             const hr_real *h, const hr_real *weights, int32_t n, const hr_pass *pass);

/* Backward pass for the tensors of the network, from what hr_expert_backward_rows left, in 2 * shares independent parts:
 * the first `shares` are shares of W1 (and c1), the others of W2 (and c2). Overwrites gradients, or adds to them. */
void hr_expert_backward_part(const hr_expert *self, int32_t part, int32_t shares, const hr_real *dy,
                             const hr_real *dh, const hr_real *h, const hr_real *x, int32_t n,
                             hr_store_mode mode, const hr_pass *pass);

#endif
