#include "feedforward.h"

#include "kernels/vector.h"

static const char *const DENSE_NAMES[] = {
    "pos_ff.CoreNet.0.weight",
    "pos_ff.CoreNet.0.bias",
    "pos_ff.CoreNet.3.weight",
    "pos_ff.CoreNet.3.bias",
};

void hr_feedforward_declare(hr_feedforward *self, hr_parameters *parameters, const hr_config *config,
                            int32_t layer) {
  self->layer = layer;
  self->d = config->d_model;
  self->pre_layer_norm = config->pre_layer_norm;
  self->routes = hr_router_routes(config);
  if (self->routes) {
    hr_moe_declare(&self->moe, parameters, config, layer);
  } else {
    hr_dense_declare(&self->dense, parameters, layer, config->d_model, config->d_inner * config->experts,
                     DENSE_NAMES);
  }
  hr_norm_declare(&self->norm, parameters, layer, "pos_ff.layer_norm.weight", "pos_ff.layer_norm.bias",
                  self->d);
}

void hr_feedforward_plan(hr_feedforward *self, hr_arena *arena, const hr_config *config, int32_t tokens) {
  if (self->routes) {
    hr_moe_plan(&self->moe, arena, config, tokens);
  } else {
    hr_dense_plan(&self->dense, arena, tokens);
  }
  self->sum = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, self->d);
  self->stats = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, 2);
}

void hr_feedforward_scratch_plan(hr_feedforward_scratch *self, hr_arena *arena, const hr_config *config,
                                 int32_t tokens) {
  self->core = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, config->d_model);
  self->dcore = self->core;
  if (config->pre_layer_norm) self->dcore = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, config->d_model);
  if (hr_router_routes(config)) {
    hr_moe_scratch_plan(&self->moe, arena, config, tokens);
  } else {
    hr_dense_scratch_plan(&self->dense, arena, config->d_model, config->d_inner * config->experts, tokens);
  }
}

void hr_feedforward_generate(hr_feedforward *self, const hr_pass *pass) {
  if (!self->routes) return;
  hr_router *router = &self->moe.router;
  if (router->type->generate) router->type->generate(router, pass);
}

/* y [N,D] = ff(x) */
static void core_forward(hr_feedforward *self, hr_real *y, const hr_real *x, hr_feedforward_scratch *scratch,
                         const hr_pass *pass) {
  if (self->routes) {
    hr_moe_forward(&self->moe, y, x, &scratch->moe, pass);
  } else {
    hr_dense_forward(&self->dense, y, x, pass);
  }
}

/* dx [N,D] += gradient; dy [N,D] in */
static void core_backward(hr_feedforward *self, hr_real *dx, hr_real *dy, const hr_real *x,
                          hr_feedforward_scratch *scratch, const hr_pass *pass) {
  if (self->routes) {
    hr_moe_backward(&self->moe, dx, dy, x, &scratch->moe, pass);
  } else {
    hr_dense_backward(&self->dense, dx, dy, x, &scratch->dense, pass);
  }
}

void hr_feedforward_forward(hr_feedforward *self, hr_real *y, const hr_real *x,
                            hr_feedforward_scratch *scratch, const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), d = self->d;
  const uint64_t key = hr_dropout_key(pass, self->layer, HR_DROP_FEEDFORWARD);
  if (self->pre_layer_norm) {
    hr_norm_forward(&self->norm, self->sum, self->stats, x, n, d);
    core_forward(self, scratch->core, self->sum, scratch, pass);
    hr_dropout(scratch->core, n * d, key, 0, pass->dropout);
    hr_sum(y, x, scratch->core, n * d);
  } else {
    core_forward(self, scratch->core, x, scratch, pass);
    hr_dropout(scratch->core, n * d, key, 0, pass->dropout);
    hr_sum(self->sum, x, scratch->core, n * d);
    hr_norm_forward(&self->norm, y, self->stats, self->sum, n, d);
  }
}

void hr_feedforward_backward(hr_feedforward *self, hr_real *dx, const hr_real *x,
                             hr_feedforward_scratch *scratch, const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), d = self->d;
  const uint64_t key = hr_dropout_key(pass, self->layer, HR_DROP_FEEDFORWARD);
  const size_t bytes = (size_t)n * (size_t)d * sizeof *dx;
  if (self->pre_layer_norm) {
    memcpy(scratch->dcore, dx, bytes);
    hr_dropout(scratch->dcore, n * d, key, 0, pass->dropout);
    memset(scratch->core, 0, bytes);
    core_backward(self, scratch->core, scratch->dcore, self->sum, scratch, pass);
    hr_norm_backward(&self->norm, scratch->core, scratch->core, x, self->stats, n, d);
    hr_add(dx, scratch->core, n * d);
  } else {
    hr_norm_backward(&self->norm, dx, dx, self->sum, self->stats, n, d);
    memcpy(scratch->dcore, dx, bytes);
    hr_dropout(scratch->dcore, n * d, key, 0, pass->dropout);
    core_backward(self, dx, scratch->dcore, x, scratch, pass);
  }
}

double hr_feedforward_similarity(hr_feedforward *self, const hr_real *x, hr_feedforward_scratch *scratch,
                                 const hr_pass *pass) {
  const hr_moe *moe = &self->moe;
  return hr_experts_similarity(&moe->experts, self->pre_layer_norm ? self->sum : x, moe->assignments.tokens,
                               &scratch->moe.experts, pass);
}
