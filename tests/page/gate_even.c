/* A gate for added-router.test.js: the k largest logits, all with the same weight; nothing reaches the logits. */
#include "gate.h"

#include "kernels/vector.h"

static void even(hr_real *weights, const hr_choice *choice) {
  hr_fill(weights, 1 / (hr_real)choice->count, choice->count);
}

const hr_gate_type hr_gate_even = {
    .option = {.name = "even",
               .label = "Even (test)",
               .summary = "The k largest logits, all with the same weight.",
               .traits = HR_TRAIT_TOP_K | HR_TRAIT_NORMALISED},
    .choose = hr_gate_choose_k,
    .weigh = even,
};
