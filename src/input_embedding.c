#include "base/math.h"
#include "input.h"
#include "kernels/vector.h"

static void declare(hr_input *self, hr_parameters *parameters, const hr_config *config) {
  self->d = config->d_model;
  self->size = config->vocab_size;
  self->weight = hr_parameters_declare(parameters, -1, "word_emb.emb_layers.0.weight", HR_INITIAL_SMALL,
                                       HR_TRAINED, self->size, self->d, 0);
}

static void plan(hr_input *self, hr_arena *arena, int32_t n) {
  self->tokens = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, n, 1);
}

bool hr_ids_fit(const int32_t *ids, int32_t n, int32_t limit) {
  for (int32_t i = 0; i < n; i++) {
    if (ids[i] < 0 || ids[i] >= limit) return false;
  }
  return true;
}

static bool accepts(const hr_input *self, const hr_batch *batch, int32_t n) {
  return batch->tokens && hr_ids_fit(batch->tokens, n, self->size);
}

static void forward(const hr_input *self, hr_real *x, const hr_batch *batch, const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), d = self->d;
  const hr_real scale = (hr_real)hr_sqrt(d);
  for (int32_t i = 0; i < n; i++) {
    hr_scale(x + (ptrdiff_t)i * d, scale, self->weight->data + (ptrdiff_t)batch->tokens[i] * d, d);
  }
  hr_dropout(x, n * d, hr_dropout_key(pass, 0, HR_DROP_EMBEDDING), 0, pass->dropout);
}

static void backward(hr_input *self, hr_real *dx, const hr_batch *batch, const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), d = self->d;
  const hr_real scale = (hr_real)hr_sqrt(d);
  hr_dropout(dx, n * d, hr_dropout_key(pass, 0, HR_DROP_EMBEDDING), 0, pass->dropout);
  for (int32_t i = 0; i < n; i++) {
    hr_add_scaled(self->weight->grad + (ptrdiff_t)batch->tokens[i] * d, scale, dx + (ptrdiff_t)i * d, d);
  }
}

const hr_input_type hr_input_embedding = {
    .declare = declare,
    .plan = plan,
    .accepts = accepts,
    .forward = forward,
    .backward = backward,
};
