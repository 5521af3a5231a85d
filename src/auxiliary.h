/* Auxiliary losses of a router, and the entropy of what it says. */
#ifndef HR_AUXILIARY_H
#define HR_AUXILIARY_H

#include "dispatch.h"

/* What the auxiliary losses of a layer are computed from, and with which weights. */
typedef struct hr_auxiliary {
  double load_balance_weight, router_z_weight;
  double sparsity_weight;
  int32_t target; /* K of the sparsity loss: experts per token that it steers to */
  bool sigmoid;   /* p is s(g) over its sum, s the logistic function; else the softmax of g */
} hr_auxiliary;

/* Adds the gradient of the weighted auxiliary losses to dlogits [N,E], and returns their sum. With p_n of token n over
 * all E experts, f_e the share of the assignments that expert e gets, n_e their number (both before capacity, and
 * constants for the gradient), w_ne the weights and z_n the logarithm of the sum of the exponentials of its logits:
 *   load balance  E sum_e f_e mean_n p_ne               (Fedus, Zoph, Shazeer 2022, "Switch Transformers", eq. 4)
 *   z-loss        mean_n z_n^2                          (Zoph et al. 2022, "ST-MoE", eq. 5)
 *   sparsity      E / (K N^2) sum_e n_e sum_n w_ne      (Wang et al. 2024, "ReMoE", eq. 9 and 11)
 *   row [2E] scratch */
double hr_auxiliary_backward(const hr_auxiliary *self, hr_real *dlogits, const hr_real *logits,
                             const hr_assignments *assignments, const hr_dispatch *dispatch, hr_real *row);

/* Mean over n tokens of -sum p ln p / ln E, p the softmax of the logits [n,E]; 0 if E is 1 or n is 0. */
double hr_router_entropy(const hr_real *logits, int32_t n, int32_t e);

#endif
