/* What the engine changes after a training step, outside the gradient. */
#ifndef HR_BALANCE_H
#define HR_BALANCE_H

#include "parameters.h"

/* Balancing without a loss: bias_e += rate sign(mean of counts - counts_e), counts [E] being the assignments of the last
 * step; the bias is added to the scores by which experts are chosen. Source: Wang et al. 2024, "Auxiliary-Loss-Free Load
 * Balancing Strategy for Mixture-of-Experts", algorithm 1. */
void hr_balance_step(hr_real *bias, const int32_t *counts, int32_t e, double rate);

/* The weight of the sparsity loss after a step: 1.2 times as much if fewer than 1 - K/E of the weights were zero, else that
 * much less. Source: Wang et al. 2024, "ReMoE", section 3.3. */
double hr_sparsity_step(double weight, double zeros, int32_t k, int32_t e);

#endif
