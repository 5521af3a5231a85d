/* Hash routing: a token id has the same experts wherever it stands, drawn once: its logits are a row of a fixed table.
 * The k largest are chosen and weighed 1/k each. Nothing is learned: the floor for routers that do.
 *
 * Source: Roller et al. 2021, "Hash Layers For Large Sparse Models". */
#include "router.h"

enum { TABLE };

static void declare(hr_router *self, hr_parameters *parameters, int32_t layer) {
  self->parameters[TABLE] = hr_parameters_declare(parameters, layer, "pos_ff.gate.table", HR_INITIAL_UNIT,
                                                  HR_FROZEN, self->vocab_size, self->experts, 0);
}

static void plan(hr_router *self, hr_arena *arena, int32_t n) {
  (void)self;
  (void)arena;
  (void)n;
}

static void forward(const hr_router *self, hr_real *logits, const hr_real *x, int32_t n,
                    const hr_pass *pass) {
  const int32_t e = self->experts;
  (void)x;
  for (int32_t i = 0; i < n; i++) {
    memcpy(logits + (ptrdiff_t)i * e, self->parameters[TABLE]->data + (ptrdiff_t)pass->tokens[i] * e,
           (size_t)e * sizeof *logits);
  }
}

const hr_router_type hr_router_hash = {
    .option = {.name = "hash",
               .label = "Hash",
               .summary = "Fixed random experts for each token id; nothing is learned.",
               .traits = HR_TRAIT_ROUTES | HR_TRAIT_TOKENS,
               .kinds = 1 << HR_LANGUAGE_MODEL | 1 << HR_TEXT_CLASSIFIER},
    .gate = &hr_gate_uniform,
    .declare = declare,
    .plan = plan,
    .forward = forward,
};
