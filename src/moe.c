#include "moe.h"

#include "balance.h"
#include "kernels/vector.h"

static const char *const SHARED_NAMES[] = {
    "pos_ff.shared_experts.htoh4.weight",
    "pos_ff.shared_experts.htoh4.bias",
    "pos_ff.shared_experts.h4toh.weight",
    "pos_ff.shared_experts.h4toh.bias",
};

void hr_moe_declare(hr_moe *self, hr_parameters *parameters, const hr_config *config, int32_t layer) {
  const int32_t e = config->experts, d = config->d_model;
  self->router = (hr_router){.type = hr_router_at(config->router),
                             .d_model = d,
                             .experts = e,
                             .hyper_size = config->hyper_size,
                             .router_size = config->router_size,
                             .vocab_size = config->vocab_size,
                             .scale = config->router_scale,
                             .tensors = config->router_tensors,
                             .tensor_count = config->router_tensor_count};
  self->gate = self->router.type->gate ? self->router.type->gate : hr_gate_at(config->gate);
  self->losses = (hr_auxiliary){.load_balance_weight = config->load_balance_weight,
                                .router_z_weight = config->router_z_weight,
                                .sigmoid = self->gate->option.traits & HR_TRAIT_SIGMOID};
  self->capacity_factor = config->capacity_factor;
  self->balance_rate = config->balance_rate;
  self->has_shared = config->shared_experts > 0;
  self->has_noise = config->router_noise;
  self->has_bias = config->balance_rate > 0;

  self->router.type->declare(&self->router, parameters, layer);
  if (self->has_noise) hr_noise_declare(&self->noise, parameters, config, layer);
  if (self->has_bias)
    self->bias = hr_parameters_declare(parameters, layer, "pos_ff.gate.e_score_correction_bias",
                                       HR_INITIAL_ZERO, HR_STATE, e, 0, 0);
  hr_experts_declare(&self->experts, parameters, config, layer);
  if (self->has_shared) {
    self->shared.use = 1;
    hr_dense_declare(&self->shared, parameters, layer, d, config->shared_experts * config->d_inner,
                     SHARED_NAMES);
  }
}

void hr_moe_plan(hr_moe *self, hr_arena *arena, const hr_config *config, int32_t tokens) {
  const int32_t e = config->experts;
  self->router.type->plan(&self->router, arena, tokens);
  if (self->has_noise) hr_noise_plan(&self->noise, arena, config, tokens);
  if (self->has_shared) hr_dense_plan(&self->shared, arena, tokens);
  self->logits = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, e);
  /* Any K up to E may be set later, so these have room for E. */
  self->assignments.experts = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, tokens, e);
  self->assignments.weights = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, e);
  self->assignments.counts = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, tokens, 1);
  hr_dispatch_plan(&self->dispatch, arena, e, (int64_t)tokens * e);
  hr_experts_plan(&self->experts, arena, config, tokens);
}

void hr_moe_scratch_plan(hr_moe_scratch *self, hr_arena *arena, const hr_config *config, int32_t tokens) {
  const int32_t e = config->experts, d = config->d_model;
  hr_experts_scratch_plan(&self->experts, arena, config, tokens);
  if (config->shared_experts > 0) {
    hr_dense_scratch_plan(&self->shared, arena, d, config->shared_experts * config->d_inner, tokens);
    self->shared_out = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, d);
  }
  self->dweights = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, e);
  self->dlogits = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, e);
  self->row = hr_arena_reals(arena, HR_MEMORY_SCRATCH, 3, e);
}

/* The assignments that an expert takes at the most, ceil(c N K / E), in training and evaluation alike; 0: all. Generation has no
 * capacity limit. */
static int32_t capacity(const hr_moe *self, int32_t n, const hr_pass *pass) {
  if (self->capacity_factor <= 0 || pass->cached) return 0;
  const double share = self->capacity_factor * n * pass->top_k / self->experts.count;
  if (share >= n) return n;
  const int32_t whole = (int32_t)share;
  return whole + (whole < share);
}

void hr_moe_forward(hr_moe *self, hr_real *y, const hr_real *x, hr_moe_scratch *scratch,
                    const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), d = self->experts.d, e = self->experts.count;
  const hr_gating gating = {.k = pass->top_k,
                            .alone = pass->cached,
                            .bias = self->has_bias ? self->bias->data : NULL,
                            .scratch = scratch->dlogits,
                            .row = scratch->row};
  self->assignments.tokens = n;
  self->router.type->forward(&self->router, self->logits, x, n, pass);
  if (self->has_noise && pass->training)
    hr_noise_forward(&self->noise, self->logits, x, scratch->dlogits, pass);
  self->gate->choose(self->gate, &self->assignments, self->logits, e, &gating);
  hr_dispatch_build(&self->dispatch, &self->assignments, capacity(self, n, pass));
  memset(y, 0, (size_t)n * (size_t)d * sizeof *y);
  hr_experts_forward(&self->experts, y, x, &self->dispatch, &scratch->experts, pass);
  if (!self->has_shared) return;
  hr_dense_forward(&self->shared, scratch->shared_out, x, pass);
  hr_add(y, scratch->shared_out, n * d);
}

void hr_moe_backward(hr_moe *self, hr_real *dx, hr_real *dy, const hr_real *x, hr_moe_scratch *scratch,
                     const hr_pass *pass) {
  hr_real *dweights = scratch->dweights, *dlogits = scratch->dlogits;
  hr_auxiliary losses = self->losses;
  losses.sparsity_weight = pass->sparsity_weight;
  losses.target = pass->top_k;
  hr_experts_backward(&self->experts, dx, dweights, dy, x, &self->dispatch, &scratch->experts, pass);
  if (self->has_shared) hr_dense_backward(&self->shared, dx, dy, x, &scratch->shared, pass);
  hr_gate_backward(self->gate, dlogits, dweights, &self->assignments, &self->dispatch, self->logits,
                   scratch->row);
  self->auxiliary = hr_auxiliary_backward(&losses, dlogits, self->logits, &self->assignments, &self->dispatch,
                                          scratch->row);
  if (self->has_noise) hr_noise_backward(&self->noise, dx, dlogits, x, pass);
  if (self->router.type->backward)
    self->router.type->backward(&self->router, dx, dlogits, x, self->assignments.tokens, pass);
}

void hr_moe_after_step(hr_moe *self) {
  if (self->has_bias)
    hr_balance_step(self->bias->data, self->dispatch.counts, self->experts.count, self->balance_rate);
}

double hr_moe_zeros(const hr_moe *self) {
  int64_t chosen = 0;
  for (int32_t id = 0; id < self->experts.count; id++) chosen += self->dispatch.counts[id];
  return 1 - (double)chosen / ((double)self->dispatch.tokens * self->experts.count);
}
