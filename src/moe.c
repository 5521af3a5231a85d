#include "moe.h"

#include "auxiliary.h"

void hr_moe_declare(hr_moe *self, hr_parameters *parameters, const hr_config *config, int32_t layer) {
  self->load_balance_weight = config->load_balance_weight;
  self->router_z_weight = config->router_z_weight;
  self->router = (hr_router){.type = hr_router_at(config->router),
                             .d_model = config->d_model,
                             .experts = config->experts,
                             .hyper_size = config->hyper_size};
  self->router.type->declare(&self->router, parameters, layer);
  hr_experts_declare(&self->experts, parameters, config, layer);
}

void hr_moe_plan(hr_moe *self, hr_arena *arena, const hr_config *config, int32_t tokens) {
  const int32_t e = config->experts;
  self->router.type->plan(&self->router, arena);
  self->logits = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, e);
  /* Any K up to E may be set later, so these have room for E. */
  self->assignments.experts = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, tokens, e);
  self->assignments.weights = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, e);
  hr_dispatch_plan(&self->dispatch, arena, e, (int64_t)tokens * e);
  hr_experts_plan(&self->experts, arena, config, tokens);
}

void hr_moe_scratch_plan(hr_moe_scratch *self, hr_arena *arena, const hr_config *config, int32_t tokens) {
  const int32_t e = config->experts;
  hr_experts_scratch_plan(&self->experts, arena, config, tokens);
  self->dweights = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, e);
  self->dlogits = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, e);
  self->row = hr_arena_reals(arena, HR_MEMORY_SCRATCH, e, 1);
  self->share = hr_arena_reals(arena, HR_MEMORY_SCRATCH, e, 1);
}

void hr_moe_forward(hr_moe *self, hr_real *y, const hr_real *x, hr_moe_scratch *scratch,
                    const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), e = self->experts.count;
  self->assignments.tokens = n;
  self->assignments.k = pass->top_k;
  self->router.type->forward(&self->router, self->logits, x, n, pass);
  hr_gate_topk_softmax(&self->assignments, self->logits, e);
  hr_dispatch_build(&self->dispatch, &self->assignments);
  memset(y, 0, (size_t)n * (size_t)self->experts.d * sizeof *y);
  hr_experts_forward(&self->experts, y, x, &self->dispatch, &scratch->experts, pass);
}

void hr_moe_backward(hr_moe *self, hr_real *dx, const hr_real *dy, const hr_real *x, hr_moe_scratch *scratch,
                     const hr_pass *pass) {
  hr_real *dweights = scratch->dweights, *dlogits = scratch->dlogits;
  hr_experts_backward(&self->experts, dx, dweights, dy, x, &self->dispatch, &scratch->experts, pass);
  hr_gate_topk_softmax_backward(dlogits, dweights, &self->assignments, &self->dispatch, scratch->row);
  self->auxiliary = 0;
  if (self->load_balance_weight > 0 || self->router_z_weight > 0)
    self->auxiliary = hr_auxiliary_backward(dlogits, self->logits, &self->dispatch, self->load_balance_weight,
                                            self->router_z_weight, scratch->row, scratch->share);
  self->router.type->backward(&self->router, dx, dlogits, x, self->assignments.tokens, pass);
}
