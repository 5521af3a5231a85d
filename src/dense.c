#include "dense.h"

#include "kernels/vector.h"

void hr_dense_declare(hr_dense *self, hr_parameters *parameters, int32_t layer, int32_t d, int32_t width,
                      const char *const names[4]) {
  self->layer = layer;
  self->d = d;
  self->width = width;
  self->w1 = hr_parameters_declare(parameters, layer, names[0], HR_INITIAL_SMALL, HR_TRAINED, width, d, 0);
  self->c1 = hr_parameters_declare(parameters, layer, names[1], HR_INITIAL_ZERO, HR_TRAINED, width, 0, 0);
  self->w2 = hr_parameters_declare(parameters, layer, names[2], HR_INITIAL_SMALL, HR_TRAINED, d, width, 0);
  self->c2 = hr_parameters_declare(parameters, layer, names[3], HR_INITIAL_ZERO, HR_TRAINED, d, 0, 0);
}

void hr_dense_plan(hr_dense *self, hr_arena *arena, int32_t tokens) {
  self->hidden = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, self->width);
}

void hr_dense_scratch_plan(hr_dense_scratch *self, hr_arena *arena, int32_t d, int32_t width,
                           int32_t tokens) {
  self->dx = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, d);
  self->dh = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, width);
}

static hr_expert network_of(const hr_dense *self) {
  return (hr_expert){.in = hr_linear_of(self->w1, self->c1), .out = hr_linear_of(self->w2, self->c2)};
}

void hr_dense_forward(hr_dense *self, hr_real *y, const hr_real *x, const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass);
  const hr_expert network = network_of(self);
  const uint64_t key = hr_dropout_key(pass, self->layer, HR_DROP_HIDDEN);
  hr_expert_hidden(&network, self->hidden, x, n, 0, self->use ? hr_key(key, self->use) : key, pass);
  hr_expert_output(&network, y, self->hidden, n, pass);
}

void hr_dense_backward(hr_dense *self, hr_real *dx, hr_real *dy, const hr_real *x, hr_dense_scratch *scratch,
                       const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass);
  const hr_expert network = network_of(self);
  hr_expert_backward_rows(&network, scratch->dx, scratch->dh, NULL, dy, self->hidden, NULL, n, pass);
  for (int32_t part = 0; part < 2; part++) {
    hr_expert_backward_part(&network, part, 1, dy, scratch->dh, self->hidden, x, n, HR_ACCUMULATE, pass);
  }
  hr_add(dx, scratch->dx, n * self->d);
}
