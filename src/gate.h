/* Gates: which experts a token is routed to, and with which weights, from its router logits. */
#ifndef HR_GATE_H
#define HR_GATE_H

#include "dispatch.h"

/* The k largest logits; their weights are the softmax over the chosen k only, and sum to 1. Ties go to the lower id.
 *   assignments  [N,K] out
 *   logits       [N,E] in
 * Source: custom_gate.py of the published code, HyperRouterGate. */
void hr_gate_topk_softmax(hr_assignments *assignments, const hr_real *logits, int32_t e);

/* With o_e the output of expert e and o the layer's: dlogits_e = w_e (o_e - o) . dy for the chosen, 0 for the others.
 *   dlogits      [N,E] out
 *   dweights     [R] in    of the rows of the dispatch: o_e . dy
 *   scratch      [K] */
void hr_gate_topk_softmax_backward(hr_real *dlogits, const hr_real *dweights,
                                   const hr_assignments *assignments, const hr_dispatch *dispatch,
                                   hr_real *scratch);

#endif
