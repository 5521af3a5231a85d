/* What a model promises as a whole: the same bits for the same seed, memory that stands in for a longer segment, streams
 * apart, and K above the configured one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

static hr_config dropping(hr_config config) {
  config.dropout = 0.2;
  config.attention_dropout = 0.1;
  return config;
}

/* ------------------------------------------------------------------------------------------- determinism */

static void test_same_seed(hr_config config) {
  config = dropping(config);
  hr_model *a = new_model(&config), *b = new_model(&config);
  config.seed++;
  hr_model *c = new_model(&config);
  CHECK(fingerprint(a) == fingerprint(b));
  CHECK(fingerprint(a) != fingerprint(c));
  train_steps(a, 0, 4);
  train_steps(b, 0, 2);
  /* Reading does not disturb: neither a look at the loss nor a gradient takes part in what follows. */
  sample data = new_sample(b, 99);
  hr_result result;
  data.batch.carry_memory = false;
  const int32_t m = hr_model_memory_length(b), batch = hr_model_memory_batch(b);
  const hr_config *own = hr_model_config(b);
  const int64_t size = (int64_t)own->batch_size * own->memory_length * own->d_model;
  hr_real **kept = calloc((size_t)own->layers, sizeof *kept);
  for (int32_t layer = 0; layer < own->layers; layer++) {
    kept[layer] = new_reals(size);
    if (size > 0) memcpy(kept[layer], hr_model_memory(b, layer), (size_t)size * sizeof(hr_real));
  }
  CHECK_OK(hr_model_evaluate(b, &data.batch, &result));
  CHECK_OK(hr_model_gradients(b, &data.batch, &result));
  CHECK_OK(hr_model_predict(b, &data.batch));
  for (int32_t layer = 0; layer < own->layers; layer++) {
    if (size > 0) memcpy(hr_model_memory(b, layer), kept[layer], (size_t)size * sizeof(hr_real));
    free(kept[layer]);
  }
  free(kept);
  CHECK_OK(hr_model_set_memory(b, m, batch));
  train_steps(b, 2, 4);
  CHECK_THAT(fingerprint(a) == fingerprint(b), "the same bits after the same steps");
  free_sample(&data);
  hr_model_destroy(a);
  hr_model_destroy(b);
  hr_model_destroy(c);
}

/* Parameters, moments and the step are all that a training run goes on from, besides the memory. */
static void test_resumed(hr_config config) {
  config = dropping(config);
  hr_model *whole = new_model(&config), *first = new_model(&config);
  config.seed = hr_model_config(first)->seed;
  hr_model *second = new_model(&config);
  randomise_parameters(second, 5);
  train_steps(whole, 0, 3);
  train_steps(first, 0, 3);
  for (int32_t i = 0; i < hr_model_parameter_count(first); i++) {
    const hr_parameter *from = hr_model_parameter(first, i);
    hr_parameter *to = hr_model_parameter(second, i);
    const size_t bytes = (size_t)from->size * sizeof(hr_real);
    memcpy(to->data, from->data, bytes);
    if (from->role != HR_TRAINED) continue;
    memcpy(to->m, from->m, bytes);
    memcpy(to->v, from->v, bytes);
  }
  hr_model_invalidate(second);
  CHECK_OK(hr_model_set_step(second, hr_model_step(first)));
  CHECK_REFUSED(hr_model_set_step(second, -1));
  CHECK_INT(hr_model_step(second), 3);
  hr_model_reset_memory(whole);
  train_steps(whole, 3, 6);
  train_steps(second, 3, 6);
  for (int32_t i = 0; i < hr_model_parameter_count(whole); i++) {
    const hr_parameter *a = hr_model_parameter(whole, i), *b = hr_model_parameter(second, i);
    CHECK_THAT(same_bits(a->data, b->data, a->size), "%s has the same bits when resumed", a->name);
  }
  hr_model_destroy(whole);
  hr_model_destroy(first);
  hr_model_destroy(second);
}

/* Dropout is a matter of training alone, and its masks change from step to step. */
static void test_dropout(hr_config config) {
  config.dropout = 0.3;
  hr_model *model = new_model(&config);
  config.dropout = 0;
  hr_model *plain = new_model(&config);
  randomise_parameters(model, 3);
  randomise_parameters(plain, 3);
  sample data = new_sample(model, 7);
  data.batch.carry_memory = false;
  hr_result a, b, c, d, e;
  CHECK_OK(hr_model_evaluate(model, &data.batch, &a));
  CHECK_OK(hr_model_evaluate(plain, &data.batch, &b));
  CHECK(a.loss == b.loss);
  CHECK_OK(hr_model_gradients(plain, &data.batch, &b));
  CHECK(a.loss == b.loss);
  CHECK_OK(hr_model_gradients(model, &data.batch, &c));
  CHECK_OK(hr_model_gradients(model, &data.batch, &d));
  CHECK(c.loss != a.loss && c.loss == d.loss);
  CHECK_OK(hr_model_set_step(model, 1));
  CHECK_OK(hr_model_gradients(model, &data.batch, &e));
  CHECK(e.loss != c.loss);
  free_sample(&data);
  hr_model_destroy(model);
  hr_model_destroy(plain);
}

/* -------------------------------------------------------------------------------------- K, memory, streams */

/* A model whose K was raised after it was planned does what one created with that K does, in chunks. */
static void test_raised_k(hr_config config) {
  config = dropping(config);
  for (int32_t k = 1; k <= config.experts; k++) {
    config.top_k = 1;
    hr_model *raised = new_model(&config);
    config.top_k = k;
    hr_model *planned = new_model(&config);
    randomise_parameters(raised, 31);
    randomise_parameters(planned, 31);
    CHECK_OK(hr_model_set_top_k(raised, k));
    CHECK_INT(hr_model_top_k(raised), k);
    test_context("K raised from 1 to %d, %s", k, router_name(config.router));
    for (int step = 0; step < 3; step++) {
      sample data = new_sample(planned, 40 + (uint64_t)step);
      hr_result a, b;
      CHECK_OK(hr_model_evaluate(raised, &data.batch, &a));
      CHECK_OK(hr_model_evaluate(planned, &data.batch, &b));
      CHECK_NEAR(a.loss, b.loss, 1e-5);
      CHECK_OK(hr_model_gradients(raised, &data.batch, &a));
      CHECK_OK(hr_model_gradients(planned, &data.batch, &b));
      CHECK_NEAR(a.loss, b.loss, 1e-5);
      CHECK_NEAR(a.auxiliary, b.auxiliary, 1e-6);
      for (int32_t i = 0; i < hr_model_parameter_count(planned); i++) {
        const hr_parameter *p = hr_model_parameter(raised, i), *q = hr_model_parameter(planned, i);
        if (p->role != HR_TRAINED) continue;
        const double off = largest_difference(p->grad, q->grad, p->size), size = largest(q->grad, q->size);
        CHECK_THAT(off <= 2e-5 * size + 1e-7, "the gradient of %s is off by %g of %g", p->name, off, size);
      }
      CHECK_OK(hr_model_train_step(raised, &data.batch, 1e-3, 0.5, &a));
      CHECK_OK(hr_model_train_step(planned, &data.batch, 1e-3, 0.5, &b));
      CHECK_NEAR(a.loss, b.loss, 1e-4);
      free_sample(&data);
    }
    hr_model_destroy(raised);
    hr_model_destroy(planned);
  }
  test_context("%s", "");
}

static void test_top_k_refused(void) {
  const hr_config config = small_language_model(0, false);
  hr_model *model = new_model(&config);
  static const int32_t BAD[] = {0, -1, 6, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
    CHECK_REFUSED(hr_model_set_top_k(model, BAD[i]));
    CHECK_INT(hr_model_top_k(model), 2);
  }
  hr_model_destroy(model);
}

/* The memory holds the inputs of every layer, and no token sees what follows it: so a segment behind a memory that holds
 * all before it is the end of one long segment, whatever the number of layers. */
static void test_memory_carries(int32_t router, bool pre_layer_norm, int32_t layers) {
  test_context("%s, %s layer norm, %d layers", router_name(router), pre_layer_norm ? "pre" : "post", layers);
  const int32_t t = 6, batch = 2;
  hr_config config = small_language_model(router, pre_layer_norm);
  config.layers = layers;
  config.batch_size = batch;
  config.memory_length = 0;
  config.context_length = 2 * t;
  hr_model *whole = new_model(&config);
  config.memory_length = t + 3;
  config.context_length = t;
  hr_model *carried = new_model(&config);
  randomise_parameters(whole, 51);
  randomise_parameters(carried, 51);
  sample data = new_sample(whole, 52);
  CHECK_OK(hr_model_predict(whole, &data.batch));
  int32_t rows, v = config.vocab_size;
  const hr_real *expected = hr_model_logits(whole, &rows);
  for (int32_t half = 0; half < 2; half++) {
    int32_t *tokens = new_ints(batch * t);
    for (int32_t i = 0; i < batch * t; i++) tokens[i] = data.tokens[i / t * 2 * t + half * t + i % t];
    const hr_batch segment = {.tokens = tokens, .batch = batch, .length = t, .carry_memory = half > 0};
    CHECK_OK(hr_model_predict(carried, &segment));
    const hr_real *got = hr_model_logits(carried, &rows);
    for (int32_t b = 0; b < batch; b++) {
      const double off = largest_difference(got + b * t * v, expected + (b * 2 * t + half * t) * v, t * v);
      CHECK_NEAR(off, 0, 2e-5 * largest(expected, batch * 2 * t * v));
    }
    free(tokens);
  }
  free_sample(&data);
  hr_model_destroy(whole);
  hr_model_destroy(carried);
  test_context("%s", "");
}

/* Streams of a batch know nothing of each other. */
static void test_streams(int32_t router) {
  hr_config config = small_language_model(router, router % 2);
  hr_model *model = new_model(&config);
  randomise_parameters(model, 61);
  sample data = new_sample(model, 62);
  const int32_t t = config.context_length, v = config.vocab_size;
  hr_real *together = new_reals((int64_t)2 * config.batch_size * t * v);
  int32_t rows;
  for (int32_t segment = 0; segment < 2; segment++) {
    data.batch.carry_memory = segment > 0;
    CHECK_OK(hr_model_predict(model, &data.batch));
    memcpy(together + (ptrdiff_t)segment * config.batch_size * t * v, hr_model_logits(model, &rows),
           (size_t)(config.batch_size * t * v) * sizeof *together);
  }
  for (int32_t b = 0; b < config.batch_size; b++) {
    for (int32_t segment = 0; segment < 2; segment++) {
      const hr_batch alone = {
          .tokens = data.tokens + b * t, .batch = 1, .length = t, .carry_memory = segment > 0};
      CHECK_OK(hr_model_predict(model, &alone));
      const hr_real *expected = together + (ptrdiff_t)(segment * config.batch_size + b) * t * v;
      CHECK_NEAR(largest_difference(hr_model_logits(model, &rows), expected, t * v), 0, 1e-4);
      CHECK_INT(rows, t);
    }
  }
  free(together);
  free_sample(&data);
  hr_model_destroy(model);
}

int main(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    hr_config language = small_language_model(router, router % 2), classifier = small_classifier(router);
    test_same_seed(language);
    test_resumed(language);
    test_dropout(language);
    test_streams(router);
    if (router_fits(router, HR_CLASSIFIER)) {
      test_same_seed(classifier);
      test_resumed(classifier);
      test_dropout(classifier);
    }
    for (int32_t layers = 1; layers <= 4; layers++) {
      test_memory_carries(router, false, layers);
      test_memory_carries(router, true, layers);
    }
    if (router_routes(router)) {
      if (router == router_named("smoe")) language.load_balance_weight = language.router_z_weight = 0.1;
      test_raised_k(language);
      if (router_fits(router, HR_CLASSIFIER)) test_raised_k(classifier);
    }
  }
  test_top_k_refused();
  return test_report("model");
}
