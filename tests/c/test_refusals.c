/* Bad batches and arguments: refused, with nothing changed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

static void check_refused(hr_model *model, hr_batch batch, bool only_targets) {
  const uint64_t before = fingerprint(model);
  int32_t rows, rows_after;
  const hr_real *logits = hr_model_logits(model, &rows);
  const hr_config *c = hr_model_config(model);
  const int32_t classes = c->kind == HR_LANGUAGE_MODEL ? c->vocab_size : c->classes;
  const int64_t size = (int64_t)rows * classes;
  hr_real *kept = new_reals(size);
  memcpy(kept, logits, (size_t)size * sizeof *kept);
  hr_result result;
  if (only_targets) {
    CHECK_REFUSED(hr_model_evaluate(model, &batch, &result));
    CHECK_REFUSED(hr_model_gradients(model, &batch, &result));
  } else {
    CHECK_REFUSED(hr_model_evaluate(model, &batch, &result));
    CHECK_REFUSED(hr_model_predict(model, &batch));
  }
  CHECK_REFUSED(hr_model_train_step(model, &batch, 0.1, 0, &result));
  CHECK(fingerprint(model) == before);
  CHECK(hr_model_logits(model, &rows_after) == logits && rows_after == rows);
  CHECK(same_bits(logits, kept, size));
  free(kept);
}

static void test_bad_language_batches(void) {
  const hr_config config = small_language_model(1, false);
  hr_model *model = new_model(&config);
  train_steps(model, 0, 2);
  sample data = new_sample(model, 72);
  const hr_batch good = data.batch;
  const int32_t last = config.batch_size * config.context_length - 1;
  static const int32_t IDS[] = {-1, 11, INT32_MAX, INT32_MIN};
  hr_batch bad;
  for (size_t i = 0; i < sizeof IDS / sizeof *IDS; i++) {
    for (int place = 0; place < 2; place++) {
      const int32_t at = place ? last : 0, token = data.tokens[at], target = data.targets[at];
      test_context("id %d at %d", IDS[i], at);
      data.tokens[at] = IDS[i];
      check_refused(model, good, false);
      data.tokens[at] = token;
      data.targets[at] = IDS[i];
      check_refused(model, good, true);
      data.targets[at] = target;
    }
  }
  static const int32_t SIZES[] = {0, -1, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
    test_context("size %d", SIZES[i]);
    bad = good;
    bad.batch = SIZES[i];
    check_refused(model, bad, false);
    bad = good;
    bad.length = SIZES[i];
    check_refused(model, bad, false);
  }
  test_context("%s", "");
  bad = good;
  bad.batch = config.batch_size + 1;
  check_refused(model, bad, false);
  bad = good;
  bad.length = config.context_length + 1;
  check_refused(model, bad, false);
  bad = good;
  bad.tokens = NULL;
  check_refused(model, bad, false);
  bad = good;
  bad.targets = NULL;
  check_refused(model, bad, true);
  /* Fewer streams than the memory holds cannot go on from it, but can begin anew. */
  bad = good;
  bad.batch = config.batch_size - 1;
  check_refused(model, bad, false);
  bad.carry_memory = false;
  CHECK_OK(hr_model_predict(model, &bad));
  CHECK_OK(hr_model_predict(model, &(hr_batch){.tokens = data.tokens, .batch = 2, .length = 1}));

  const uint64_t before = fingerprint(model);
  hr_result result;
  static const double BAD_RATES[] = {-1e-9, (double)NAN, (double)INFINITY, (double)-INFINITY};
  for (size_t i = 0; i < sizeof BAD_RATES / sizeof *BAD_RATES; i++)
    CHECK_REFUSED(hr_model_train_step(model, &good, BAD_RATES[i], 0, &result));
  CHECK_REFUSED(hr_model_train_step(model, &good, 0.1, -1, &result));
  CHECK_REFUSED(hr_model_train_step(model, &good, 0.1, (double)NAN, &result));
  CHECK(fingerprint(model) == before);

  CHECK_REFUSED(hr_model_set_memory(model, config.memory_length + 1, 1));
  CHECK_REFUSED(hr_model_set_memory(model, -1, 1));
  CHECK_REFUSED(hr_model_set_memory(model, 1, config.batch_size + 1));
  CHECK_REFUSED(hr_model_set_memory(model, 1, -1));
  CHECK_REFUSED(hr_model_set_memory(model, 1, 0)); /* rows of no stream */
  CHECK(fingerprint(model) == before);
  CHECK(hr_model_memory(model, -1) == NULL && hr_model_memory(model, config.layers) == NULL);
  hr_model_reset_memory(model);
  CHECK_INT(hr_model_memory_length(model), 0);
  free_sample(&data);
  hr_model_destroy(model);
}

static void test_bad_classifier_batches(void) {
  const hr_config config = small_classifier(0);
  hr_model *model = new_model(&config);
  train_steps(model, 0, 1);
  sample data = new_sample(model, 73);
  const int32_t last = config.batch_size * config.input_size - 1;
  static const double NUMBERS[] = {(double)NAN, (double)INFINITY, (double)-INFINITY};
  for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
    const hr_real was = data.features[last];
    data.features[last] = (hr_real)NUMBERS[i];
    check_refused(model, data.batch, false);
    data.features[last] = was;
  }
  hr_batch bad = data.batch;
  bad.features = NULL;
  check_refused(model, bad, false);
  bad = data.batch;
  bad.length = 2;
  check_refused(model, bad, false);
  bad = data.batch;
  bad.batch = config.batch_size + 1;
  check_refused(model, bad, false);
  data.targets[0] = config.classes;
  check_refused(model, data.batch, true);
  free_sample(&data);
  hr_model_destroy(model);
}

static void test_sparsity_weight(void) {
  hr_config config = small_language_model(router_named("smoe"), false);
  config.gate = gate_named("relu");
  config.sparsity_weight = 0.5;
  hr_model *model = new_model(&config);
  CHECK(hr_model_sparsity_weight(model) == 0.5);
  static const double BAD[] = {-1, 1.01 * HR_SPARSITY_MAX, (double)INFINITY, (double)NAN};
  for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
    CHECK_REFUSED(hr_model_set_sparsity_weight(model, BAD[i]));
    CHECK(hr_model_sparsity_weight(model) == 0.5);
  }
  CHECK_OK(hr_model_set_sparsity_weight(model, HR_SPARSITY_MAX));
  CHECK(hr_model_sparsity_weight(model) == HR_SPARSITY_MAX);
  hr_model_destroy(model);
  config.sparsity_weight = 0;
  model = new_model(&config);
  CHECK_REFUSED(hr_model_set_sparsity_weight(model, 0.5));
  CHECK_OK(hr_model_set_sparsity_weight(model, 0));
  hr_model_destroy(model);
}

/* A batch in the buffers of the model is as good as one of the caller's own. */
static void test_own_buffers(void) {
  const hr_config config = small_language_model(0, false), vectors = small_classifier(0);
  const hr_config *configs[] = {&config, &vectors};
  for (int32_t i = 0; i < 2; i++) {
    hr_model *model = new_model(configs[i]);
    sample data = new_sample(model, 74);
    hr_result given, own;
    CHECK_OK(hr_model_evaluate(model, &data.batch, &given));
    hr_batch batch = data.batch;
    const size_t ids = (size_t)(batch.batch * batch.length) * sizeof(int32_t);
    memcpy(hr_model_target_buffer(model), data.targets, ids);
    batch.targets = hr_model_target_buffer(model);
    if (i == 0) {
      memcpy(hr_model_token_buffer(model), data.tokens, ids);
      batch.tokens = hr_model_token_buffer(model);
    } else {
      memcpy(hr_model_feature_buffer(model), data.features,
             (size_t)(batch.batch * vectors.input_size) * sizeof(hr_real));
      batch.features = hr_model_feature_buffer(model);
    }
    hr_model_reset_memory(model);
    CHECK_OK(hr_model_evaluate(model, &batch, &own));
    CHECK(own.loss == given.loss);
    CHECK_INT(hr_model_columns(model), i == 0 ? config.vocab_size : vectors.classes);
    free_sample(&data);
    hr_model_destroy(model);
  }
}

int main(void) {
  test_sparsity_weight();
  test_own_buffers();
  test_bad_language_batches();
  test_bad_classifier_batches();
  return test_report("refusals");
}
