#include "input.h"
#include "kernels/vector.h"
#include "linear.h"

static void declare(hr_input *self, hr_parameters *parameters, const hr_config *config) {
  self->d = config->d_model;
  self->size = config->input_size;
  self->weight = hr_parameters_declare(parameters, -1, "input.weight", HR_INITIAL_SMALL, HR_TRAINED, self->d,
                                       self->size, 0);
  self->bias =
      hr_parameters_declare(parameters, -1, "input.bias", HR_INITIAL_ZERO, HR_TRAINED, self->d, 0, 0);
}

static void plan(hr_input *self, hr_arena *arena, int32_t n) {
  self->features = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, self->size);
}

static bool accepts(const hr_input *self, const hr_batch *batch, int32_t n) {
  return batch->features && hr_all_finite(batch->features, n * self->size);
}

static void forward(const hr_input *self, hr_real *x, const hr_batch *batch, const hr_pass *pass) {
  const hr_linear map = hr_linear_of(self->weight, self->bias);
  hr_linear_forward(&map, x, batch->features, hr_pass_tokens(pass), pass);
}

static void backward(hr_input *self, hr_real *dx, const hr_batch *batch, const hr_pass *pass) {
  const hr_linear map = hr_linear_of(self->weight, self->bias);
  hr_linear_backward_weights(&map, dx, batch->features, hr_pass_tokens(pass), HR_ACCUMULATE, pass);
}

const hr_input_type hr_input_linear = {
    .declare = declare,
    .plan = plan,
    .accepts = accepts,
    .forward = forward,
    .backward = backward,
};
