#include "feedforward.h"

#include "kernels/vector.h"

void hr_feedforward_declare(hr_feedforward *self, hr_parameters *parameters, const hr_config *config,
                            int32_t layer) {
  const int32_t d = config->d_model, width = config->d_inner * config->experts;
  self->layer = layer;
  self->d = d;
  self->pre_layer_norm = config->pre_layer_norm;
  self->dense = !hr_router_routes(config);
  if (self->dense) {
    self->network = (hr_expert){.d = d, .f = width};
    self->w1 = hr_parameters_declare(parameters, layer, "pos_ff.CoreNet.0.weight", HR_INITIAL_SMALL, true,
                                     width, d, 0);
    self->c1 =
        hr_parameters_declare(parameters, layer, "pos_ff.CoreNet.0.bias", HR_INITIAL_ZERO, true, width, 0, 0);
    self->w2 = hr_parameters_declare(parameters, layer, "pos_ff.CoreNet.3.weight", HR_INITIAL_SMALL, true, d,
                                     width, 0);
    self->c2 =
        hr_parameters_declare(parameters, layer, "pos_ff.CoreNet.3.bias", HR_INITIAL_ZERO, true, d, 0, 0);
  } else {
    hr_moe_declare(&self->moe, parameters, config, layer);
  }
  hr_norm_declare(&self->norm, parameters, layer, "pos_ff.layer_norm.weight", "pos_ff.layer_norm.bias", d);
}

void hr_feedforward_plan(hr_feedforward *self, hr_arena *arena, const hr_config *config, int32_t tokens) {
  if (self->dense) {
    self->hidden = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, self->network.f);
  } else {
    hr_moe_plan(&self->moe, arena, config, tokens);
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
    self->dinput = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, config->d_model);
    self->dh = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, (int64_t)config->d_inner * config->experts);
  }
}

static hr_expert dense_values(const hr_feedforward *self) {
  return (hr_expert){self->w1->data, self->c1->data,  self->w2->data,
                     self->c2->data, self->network.d, self->network.f};
}

static hr_expert dense_gradients(const hr_feedforward *self) {
  return (hr_expert){self->w1->grad, self->c1->grad,  self->w2->grad,
                     self->c2->grad, self->network.d, self->network.f};
}

/* y [N,D] = ff(x) */
static void core_forward(hr_feedforward *self, hr_real *y, const hr_real *x, hr_feedforward_scratch *scratch,
                         const hr_pass *pass) {
  if (self->dense) {
    const int32_t n = hr_pass_tokens(pass);
    hr_expert network = dense_values(self);
    hr_expert_hidden(&network, self->hidden, x, n, 0, hr_dropout_key(pass, self->layer, HR_DROP_HIDDEN),
                     pass);
    hr_expert_output(&network, y, self->hidden, n, pass);
  } else {
    hr_moe_forward(&self->moe, y, x, &scratch->moe, pass);
  }
}

/* dx [N,D] += gradient; dy is overwritten */
static void core_backward(hr_feedforward *self, hr_real *dx, hr_real *dy, const hr_real *x,
                          hr_feedforward_scratch *scratch, const hr_pass *pass) {
  if (self->dense) {
    const int32_t n = hr_pass_tokens(pass);
    hr_expert network = dense_values(self), gradients = dense_gradients(self);
    hr_expert_backward_rows(&network, scratch->dinput, scratch->dh, NULL, dy, self->hidden, NULL, n, pass);
    for (int32_t part = 0; part < 2; part++) {
      hr_expert_backward_part(&gradients, part, 1, dy, scratch->dh, self->hidden, x, n, HR_ACCUMULATE, pass);
    }
    hr_add(dx, scratch->dinput, n * self->d);
  } else {
    hr_moe_backward(&self->moe, dx, dy, x, &scratch->moe, pass);
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
