/* ReLU routing: every expert whose logit is positive, with the logit as its weight; a token gets 0 to E experts.
 *
 *   w_j = max(0, g_j);  dg_j = dw_j where g_j > 0
 *
 * How many that are is steered by the sparsity loss (auxiliary.h).
 * Source: Wang et al. 2024, "ReMoE: Fully Differentiable Mixture-of-Experts with ReLU Routing", section 3. */
#include "gate.h"

static void choose(const hr_gate_type *self, hr_assignments *assignments, const hr_real *logits, int32_t e,
                   const hr_gating *gating) {
  const int32_t n = assignments->tokens;
  int32_t *counts = assignments->counts;
  (void)self;
  (void)gating;
  for (int32_t i = 0; i < n; i++) {
    counts[i] = 0;
    for (int32_t id = 0; id < e; id++) {
      /* NaN is chosen too: it must go through, or a diverged model would look healthy. */
      if (!(logits[(ptrdiff_t)i * e + id] <= 0)) assignments->experts[(ptrdiff_t)i * e + counts[i]++] = id;
    }
  }
  hr_gate_finish(assignments, logits, logits, e);
}

static void logit(hr_real *weights, const hr_choice *choice) {
  for (int32_t j = 0; j < choice->count; j++) weights[j] = choice->logits[choice->ids[j]];
}

static void logit_backward(hr_real *dlogits, const hr_real *dweights, const hr_real *weights,
                           const hr_choice *choice) {
  (void)weights;
  for (int32_t j = 0; j < choice->count; j++) dlogits[choice->ids[j]] = dweights[j];
}

const hr_gate_type hr_gate_relu = {
    .option = {.name = "relu",
               .label = "ReLU (ReMoE)",
               .summary = "Every expert with a positive logit, weighted by it; how many is learned.",
               .traits = HR_TRAIT_VARIES | HR_TRAIT_SPARSITY | HR_TRAIT_DIFFERENTIABLE},
    .choose = choose,
    .weigh = logit,
    .backward = logit_backward,
};
