#include "head.h"

#include "base/math.h"
#include "kernels/vector.h"
#include "linear.h"

void hr_head_declare(hr_head *self, hr_parameters *parameters, const char *weight_name, const char *bias_name,
                     int32_t d) {
  self->weight = hr_parameters_declare(parameters, -1, weight_name, HR_INITIAL_SMALL, HR_TRAINED, d, d, 0);
  self->bias = hr_parameters_declare(parameters, -1, bias_name, HR_INITIAL_ZERO, HR_TRAINED, d, 0, 0);
}

void hr_head_plan(hr_head *self, hr_arena *arena, int32_t n, int32_t d) {
  self->activation = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, d);
  self->rows = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, d);
  self->drows = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, d);
}

/* y [size] after dropout, or its gradient. Its key is none of those of the layers, which must stay what they are. */
static void drop(hr_real *y, int32_t size, const hr_pass *pass) {
  static const uint64_t HEAD = UINT64_MAX / 2 - 1;
  hr_dropout(y, size, hr_key(pass->key, HEAD), 0, pass->head_dropout);
}

void hr_head_forward(hr_head *self, const hr_real *x, int32_t n, const hr_pass *pass) {
  const hr_linear map = hr_linear_of(self->weight, self->bias);
  const int32_t size = n * map.outputs;
  hr_linear_forward(&map, self->activation, x, n, pass);
  for (int32_t i = 0; i < size; i++) self->activation[i] = (hr_real)hr_tanh((double)self->activation[i]);
  memcpy(self->rows, self->activation, (size_t)size * sizeof *self->rows);
  drop(self->rows, size, pass);
}

void hr_head_backward(hr_head *self, hr_real *dx, const hr_real *x, int32_t n, const hr_pass *pass) {
  const hr_linear map = hr_linear_of(self->weight, self->bias);
  const int32_t size = n * map.outputs;
  drop(self->drows, size, pass);
  for (int32_t i = 0; i < size; i++) self->drows[i] *= 1 - self->activation[i] * self->activation[i];
  hr_linear_backward_weights(&map, self->drows, x, n, HR_ACCUMULATE, pass);
  hr_linear_backward_input(&map, dx, self->drows, n, HR_OVERWRITE, pass);
}
