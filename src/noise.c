#include "noise.h"

#include "base/math.h"

void hr_noise_declare(hr_noise *self, hr_parameters *parameters, const hr_config *config, int32_t layer) {
  self->layer = layer;
  self->weight = hr_parameters_declare(parameters, layer, "pos_ff.gate.w_noise", HR_INITIAL_ZERO, HR_TRAINED,
                                       config->experts, config->d_model, 0);
}

void hr_noise_plan(hr_noise *self, hr_arena *arena, const hr_config *config, int32_t tokens) {
  self->slope = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, config->experts);
}

/* A key of its own: those of dropout must stay what they are. */
static uint64_t noise_key(const hr_noise *self, const hr_pass *pass) {
  static const uint64_t NOISE = UINT64_MAX / 2;
  return hr_key(hr_key(pass->key, NOISE), (uint64_t)self->layer);
}

void hr_noise_forward(hr_noise *self, hr_real *logits, const hr_real *x, hr_real *scratch,
                      const hr_pass *pass) {
  const hr_linear map = hr_linear_of(self->weight, NULL);
  const int32_t n = hr_pass_tokens(pass), size = n * map.outputs;
  hr_linear_forward(&map, self->slope, x, n, pass);
  hr_fill_normal(scratch, size, 0, 1, noise_key(self, pass));
  for (int32_t i = 0; i < size; i++) {
    /* softplus(u) = max(u, 0) + ln(1 + exp(-|u|)), whose derivative is the logistic function of u. */
    const double u = (double)self->slope[i], eps = (double)scratch[i], power = hr_exp(u < 0 ? u : -u);
    const double softplus = (u > 0 ? u : 0) + hr_log(1 + power);
    logits[i] += (hr_real)(eps * (softplus + 0.01));
    self->slope[i] = (hr_real)(eps * (u < 0 ? power : 1) / (1 + power));
  }
}

void hr_noise_backward(hr_noise *self, hr_real *dx, const hr_real *dlogits, const hr_real *x,
                       const hr_pass *pass) {
  const hr_linear map = hr_linear_of(self->weight, NULL);
  const int32_t n = hr_pass_tokens(pass), size = n * map.outputs;
  for (int32_t i = 0; i < size; i++) self->slope[i] *= dlogits[i];
  hr_linear_backward_weights(&map, self->slope, x, n, HR_ACCUMULATE, pass);
  hr_linear_backward_input(&map, dx, self->slope, n, HR_ACCUMULATE, pass);
}
