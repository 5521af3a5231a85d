#include "life.h"

#include "testing.h"

static uint64_t digest(uint64_t so_far, double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  return (so_far ^ bits) * 0x100000001b3u;
}

static uint64_t digest_results(uint64_t so_far, hr_model *model) {
  const hr_config *c = hr_model_config(model);
  int32_t rows;
  const hr_real *logits = hr_model_logits(model, &rows);
  const int32_t n = rows * (c->kind == HR_LANGUAGE_MODEL ? c->vocab_size : c->classes);
  for (int32_t i = 0; i < n; i++) so_far = digest(so_far, (double)logits[i]);
  for (int32_t layer = 0; layer < c->layers; layer++) {
    hr_routing routing;
    if (hr_model_routing(model, layer, &routing) != HR_OK) continue;
    so_far = digest(so_far, routing.entropy);
    for (int32_t i = 0; i < routing.tokens * routing.top_k; i++) {
      so_far = digest(so_far, routing.experts[i]);
      so_far = digest(so_far, (double)routing.weights[i]);
    }
    for (int32_t i = 0; i < routing.tokens * routing.experts_count; i++)
      so_far = digest(so_far, (double)routing.logits[i]);
  }
  return so_far;
}

uint64_t live(hr_model *model, int32_t steps) {
  static int32_t tokens[4096], targets[4096], lengths[4096];
  static hr_real features[4096], values[4096];
  const hr_config *c = hr_model_config(model);
  const bool language = c->kind == HR_LANGUAGE_MODEL, regresses = c->kind == HR_REGRESSOR;
  uint64_t mark = 1, state = 3;
  random_seed(99);
  for (int32_t step = 0; step < steps; step++) {
    const int32_t batch = step % 3 == 0 ? c->batch_size : 1 + random_below(c->batch_size);
    const int32_t length = step % 2 == 0 ? c->context_length : 1 + random_below(c->context_length);
    random_tokens(tokens, batch * length, c->vocab_size);
    random_tokens(targets, batch * length, language ? c->vocab_size : c->classes);
    for (int32_t i = 0; i < batch * c->input_size; i++) features[i] = (hr_real)random_normal();
    for (int32_t i = 0; regresses && i < batch * c->outputs; i++) values[i] = (hr_real)random_normal();
    for (int32_t b = 0; c->kind == HR_TEXT_CLASSIFIER && b < batch; b++)
      lengths[b] = 1 + random_below(length);
    CHECK_OK(hr_model_set_top_k(model, 1 + step % c->experts));
    if (!language) CHECK_OK(hr_model_set_head_only(model, step % 5 == 3));
    hr_batch data = {.tokens = reads_tokens(c->kind) ? tokens : NULL,
                     .lengths = c->kind == HR_TEXT_CLASSIFIER && step % 4 != 3 ? lengths : NULL,
                     .features = reads_tokens(c->kind) ? NULL : features,
                     .targets = regresses ? NULL : targets,
                     .values = values,
                     .batch = batch,
                     .length = length,
                     .carry_memory = batch == hr_model_memory_batch(model)};
    hr_result result;
    CHECK_OK(hr_model_train_step(model, &data, 0.003, 0.25, &result));
    mark = digest(digest_results(mark, model), result.loss + result.auxiliary + result.grad_norm);
    data.carry_memory = step % 4 > 0;
    CHECK_OK(hr_model_evaluate(model, &data, &result));
    mark = digest(digest_results(mark, model), result.loss);
    CHECK_OK(hr_model_gradients(model, &data, &result));
    CHECK_OK(hr_model_predict(model, &data));
    int32_t rows;
    CHECK((hr_model_probabilities(model, &rows) == NULL) == (language || regresses));
    if (step == steps / 2) hr_model_reset_memory(model);
    if (!language || step < steps - 2) continue;
    CHECK_OK(hr_generation_begin(model, step));
    for (int32_t fed = 0; fed < 2 * c->context_length + c->memory_length;) {
      const int32_t count = 1 + random_below(c->context_length);
      int32_t drawn;
      CHECK_OK(hr_generation_feed(model, tokens, count < batch * length ? count : 1));
      mark = digest_results(mark, model);
      if (random_below(3) == 0) CHECK_OK(hr_model_predict(model, &data));
      CHECK_OK(draw_token(model, 0.9, 0.9, &state, &drawn));
      mark = digest(mark, drawn);
      fed += count;
    }
  }
  return mark ^ fingerprint(model);
}
