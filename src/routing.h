/* From the logits of a router to the rows that each expert works on. */
#ifndef HR_ROUTING_H
#define HR_ROUTING_H

#include "base/real.h"

/* Chooses the experts of N tokens from their logits.
 *   experts  [N,K] out  ids, largest logit first; ties go to the lower id
 *   weights  [N,K] out  softmax over the chosen K, sums to 1
 *   logits   [N,E] in
 * Source: custom_gate.py of the published code, HyperRouterGate. */
void hr_route(int32_t *experts, hr_real *weights, const hr_real *logits, int32_t n, int32_t e, int32_t k);

/* dlogits [N,E] out, from the gradient dweights [N,K] of the weights, through the softmax over the chosen K. */
void hr_route_backward(hr_real *dlogits, const hr_real *dweights, const int32_t *experts,
                       const hr_real *weights, int32_t n, int32_t e, int32_t k);

/* Sorts the assignments experts [N*K] by expert, in ascending order within one.
 *   rows [N*K] out, offsets [E+1] out, counts [E] out */
void hr_sort_by_expert(int32_t *rows, int32_t *offsets, int32_t *counts, const int32_t *experts,
                       int32_t assignments, int32_t e);

#endif
