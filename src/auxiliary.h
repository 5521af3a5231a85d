/* Auxiliary losses of a router, and the entropy of what it says. */
#ifndef HR_AUXILIARY_H
#define HR_AUXILIARY_H

#include "dispatch.h"

/* Adds the gradient of the weighted auxiliary losses to dlogits [N,E], and returns their sum. With p_n the softmax of
 * token n over all E logits, f_e the share of the assignments that expert e gets (a constant for the gradient) and z_n
 * the logarithm of the sum of the exponentials:
 *   load balance  E sum_e f_e mean_n p_ne     (Fedus, Zoph, Shazeer 2022, "Switch Transformers", eq. 4)
 *   z-loss        mean_n z_n^2                (Zoph et al. 2022, "ST-MoE", eq. 5)
 *   probability, share  [E] scratch */
double hr_auxiliary_backward(hr_real *dlogits, const hr_real *logits, const hr_dispatch *dispatch,
                             double load_balance_weight, double router_z_weight, hr_real *probability,
                             hr_real *share);

/* Mean over n tokens of -sum p ln p / ln E, p the softmax of the logits [n,E]; 0 if E is 1 or n is 0. */
double hr_router_entropy(const hr_real *logits, int32_t n, int32_t e);

#endif
