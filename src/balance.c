#include "balance.h"

void hr_balance_step(hr_real *bias, const int32_t *counts, int32_t e, double rate) {
  int64_t total = 0;
  for (int32_t id = 0; id < e; id++) total += counts[id];
  for (int32_t id = 0; id < e; id++) {
    /* Compared as whole numbers, so that an even load leaves the bias alone. */
    const int64_t missing = total - (int64_t)counts[id] * e;
    bias[id] += (hr_real)(rate * ((missing > 0) - (missing < 0)));
  }
}

double hr_sparsity_step(double weight, double zeros, int32_t k, int32_t e) {
  if (zeros < 1 - (double)k / e) return weight * 1.2 < HR_SPARSITY_MAX ? weight * 1.2 : weight;
  return weight / 1.2 > HR_SPARSITY_MIN ? weight / 1.2 : weight;
}
