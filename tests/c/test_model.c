/* What a model promises as a whole: the same bits for the same seed, memory that stands in for a longer segment, K above
 * the configured one, steps that are Adam's, refusals and failures that change nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

/* Tokens, targets and features of a batch of a model's largest size. */
typedef struct sample {
  hr_batch batch;
  int32_t *tokens, *targets;
  hr_real *features;
} sample;

static sample new_sample(hr_model *model, uint64_t seed) {
  const hr_config *c = hr_model_config(model);
  const bool language = c->kind == HR_LANGUAGE_MODEL;
  const int32_t n = c->batch_size * c->context_length;
  random_seed(seed);
  sample self = {.tokens = new_ints(n), .targets = new_ints(n)};
  self.features = new_normal((int64_t)n * c->input_size, 1);
  random_tokens(self.tokens, n, c->vocab_size);
  random_tokens(self.targets, n, language ? c->vocab_size : c->classes);
  self.batch = (hr_batch){.tokens = language ? self.tokens : NULL,
                          .features = language ? NULL : self.features,
                          .targets = self.targets,
                          .batch = c->batch_size,
                          .length = c->context_length,
                          .carry_memory = true};
  return self;
}

static void free_sample(sample *self) {
  free(self->tokens);
  free(self->targets);
  free(self->features);
}

static void train(hr_model *model, int32_t from, int32_t to) {
  for (int32_t step = from; step < to; step++) {
    sample data = new_sample(model, (uint64_t)step);
    hr_result result;
    CHECK_OK(hr_model_train_step(model, &data.batch, 0.01, 0.5, &result));
    CHECK_INT(hr_model_step(model), step + 1);
    free_sample(&data);
  }
}

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
  train(a, 0, 4);
  train(b, 0, 2);
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
  train(b, 2, 4);
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
  train(whole, 0, 3);
  train(first, 0, 3);
  for (int32_t i = 0; i < hr_model_parameter_count(first); i++) {
    const hr_parameter *from = hr_model_parameter(first, i);
    hr_parameter *to = hr_model_parameter(second, i);
    const size_t bytes = (size_t)from->size * sizeof(hr_real);
    memcpy(to->data, from->data, bytes);
    if (!from->trainable) continue;
    memcpy(to->m, from->m, bytes);
    memcpy(to->v, from->v, bytes);
  }
  hr_model_changed(second);
  CHECK_OK(hr_model_set_step(second, hr_model_step(first)));
  CHECK_REFUSED(hr_model_set_step(second, -1));
  CHECK_INT(hr_model_step(second), 3);
  hr_model_reset_memory(whole);
  train(whole, 3, 6);
  train(second, 3, 6);
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

/* ------------------------------------------------------------------------------------------- optimisation */

/* Some steps against Adam in double, fed with the engine's own gradients. */
static void test_steps(hr_config config, double clip) {
  config.weight_decay = 0.05;
  config.beta1 = 0.8;
  config.epsilon = 1e-4;
  hr_model *model = new_model(&config);
  randomise_parameters(model, 11);
  const int32_t count = hr_model_parameter_count(model);
  double **state = calloc((size_t)count, sizeof *state);
  for (int32_t i = 0; i < count; i++) {
    const hr_parameter *parameter = hr_model_parameter(model, i);
    state[i] = calloc((size_t)parameter->size * 3, sizeof **state);
    for (int32_t j = 0; j < parameter->size; j++) state[i][3 * j] = (double)parameter->data[j];
  }
  const double rate = 0.01;
  for (int step = 1; step <= 4; step++) {
    sample data = new_sample(model, (uint64_t)step);
    data.batch.carry_memory = false;
    hr_result seen, taken;
    CHECK_OK(hr_model_gradients(model, &data.batch, &seen));
    double squares = 0;
    for (int32_t i = 0; i < count; i++) {
      const hr_parameter *parameter = hr_model_parameter(model, i);
      for (int32_t j = 0; parameter->trainable && j < parameter->size; j++)
        squares += (double)parameter->grad[j] * (double)parameter->grad[j];
    }
    CHECK_NEAR(seen.grad_norm, sqrt(squares), 1e-6 * sqrt(squares));
    const double scale = clip > 0 && sqrt(squares) > clip ? clip / sqrt(squares) : 1;
    for (int32_t i = 0; i < count; i++) {
      const hr_parameter *parameter = hr_model_parameter(model, i);
      for (int32_t j = 0; parameter->trainable && j < parameter->size; j++) {
        double *p = state[i] + 3 * j, g = scale * (double)parameter->grad[j];
        p[1] = config.beta1 * p[1] + (1 - config.beta1) * g;
        p[2] = config.beta2 * p[2] + (1 - config.beta2) * g * g;
        p[0] *= 1 - rate * config.weight_decay;
        p[0] -= rate * p[1] / (1 - pow(config.beta1, step)) /
                (sqrt(p[2] / (1 - pow(config.beta2, step))) + config.epsilon);
      }
    }
    CHECK_OK(hr_model_train_step(model, &data.batch, rate, clip, &taken));
    CHECK(taken.loss == seen.loss && taken.grad_norm == seen.grad_norm);
    free_sample(&data);
  }
  for (int32_t i = 0; i < count; i++) {
    const hr_parameter *parameter = hr_model_parameter(model, i);
    double worst = 0;
    for (int32_t j = 0; j < parameter->size; j++)
      worst = fmax(worst, fabs((double)parameter->data[j] - state[i][3 * j]));
    CHECK_THAT(worst < (parameter->trainable ? 2e-5 : 1e-30), "%s is off by %g after four steps of Adam",
               parameter->name, worst);
    free(state[i]);
  }
  free(state);
  hr_model_destroy(model);
}

/* A handful of sentences by heart: every router must be able to learn them. */
static void test_learns(hr_config config) {
  hr_model *model = new_model(&config);
  sample data = new_sample(model, 21);
  data.batch.carry_memory = false;
  hr_result first, last;
  CHECK_OK(hr_model_evaluate(model, &data.batch, &first));
  for (int step = 0; step < 150; step++) CHECK_OK(hr_model_train_step(model, &data.batch, 0.01, 0.25, &last));
  CHECK_OK(hr_model_evaluate(model, &data.batch, &last));
  CHECK_THAT(last.loss < 0.5 * first.loss, "the loss fell from %g to %g", first.loss, last.loss);
  free_sample(&data);
  hr_model_destroy(model);
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
    test_context("K raised from 1 to %d, %s", k, hr_router_name(config.router));
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
        if (!p->trainable) continue;
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
  test_context("%s, %s layer norm, %d layers", hr_router_name(router), pre_layer_norm ? "pre" : "post",
               layers);
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

/* -------------------------------------------------------------------------------- refusals and divergence */

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
  train(model, 0, 2);
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
  train(model, 0, 1);
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

/* The failing step leaves the last parameters, and the model can still be asked for its routing. */
static void check_diverges(hr_model *model, const hr_batch *batch) {
  const uint64_t before = fingerprint(model);
  hr_result result;
  CHECK_INT(hr_model_train_step(model, batch, 1e-3, 1, &result), HR_ERROR_DIVERGED);
  CHECK(fingerprint(model) == before);
  CHECK_INT(hr_model_gradients(model, batch, &result), HR_ERROR_DIVERGED);
  CHECK(fingerprint(model) == before);
  hr_routing routing;
  for (int32_t layer = 0; layer < hr_model_config(model)->layers; layer++) {
    if (hr_router_routes(hr_model_config(model)->router)) CHECK_OK(hr_model_routing(model, layer, &routing));
  }
}

static void test_divergence(hr_config config) {
  test_context("%s %s", config.kind == HR_CLASSIFIER ? "classifier" : "language model",
               hr_router_name(config.router));
  hr_model *model = new_model(&config);
  train(model, 0, 2);
  sample data = new_sample(model, 81);
  hr_result result;
  hr_status status = HR_OK;
  int steps = 0;
  for (; status == HR_OK && steps < 20; steps++) {
    const uint64_t before = fingerprint(model);
    status = hr_model_train_step(model, &data.batch, 1e30, 0, &result);
    if (status != HR_OK) CHECK(fingerprint(model) == before);
  }
  CHECK_INT(status, HR_ERROR_DIVERGED);
  check_diverges(model, &data.batch);
  CHECK_INT(hr_model_evaluate(model, &data.batch, &result), HR_ERROR_DIVERGED);

  /* A healthy state put back, the model goes on as if nothing had been. */
  hr_model *healthy = new_model(&config);
  randomise_parameters(model, 82);
  randomise_parameters(healthy, 82);
  data.batch.carry_memory = false;
  hr_result a, b;
  CHECK_OK(hr_model_set_step(model, 0));
  CHECK_OK(hr_model_gradients(model, &data.batch, &a));
  CHECK_OK(hr_model_gradients(healthy, &data.batch, &b));
  CHECK(a.loss == b.loss && a.grad_norm == b.grad_norm);

  /* A NaN in any tensor that has a part in the result is found out. */
  for (int32_t i = 0; i < hr_model_parameter_count(model); i++) {
    hr_parameter *parameter = hr_model_parameter(model, i);
    const hr_real was = parameter->data[0];
    test_context("a NaN in %s", parameter->name);
    parameter->data[0] = (hr_real)NAN;
    hr_model_changed(model);
    CHECK_OK(hr_model_set_top_k(model, config.experts));
    const hr_status found = hr_model_gradients(model, &data.batch, &a);
    CHECK_INT(found, HR_ERROR_DIVERGED);
    parameter->data[0] = was;
  }
  hr_model_changed(model);
  test_context("%s", "");
  free_sample(&data);
  hr_model_destroy(model);
  hr_model_destroy(healthy);
}

/* A finite loss whose gradient is not: huge features, tiny weights, and the steep layer norm of a small input. */
static void test_infinite_gradient(void) {
  hr_config config = small_classifier(1);
  config.input_size = 1;
  config.layers = 1;
  hr_model *model = new_model(&config);
  randomise_parameters(model, 91);
  hr_parameter *input = find_parameter(model, "input.weight"), *bias = find_parameter(model, "input.bias");
  for (int32_t i = 0; i < input->size; i++) input->data[i] *= 1e-38f;
  for (int32_t i = 0; i < bias->size; i++) bias->data[i] *= 1e-2f;
  hr_model_changed(model);
  sample data = new_sample(model, 92);
  for (int32_t i = 0; i < config.batch_size; i++) data.features[i] = 3e38f;
  hr_result result;
  CHECK_OK(hr_model_evaluate(model, &data.batch, &result));
  check_diverges(model, &data.batch);
  free_sample(&data);
  hr_model_destroy(model);
}

int main(void) {
  for (int32_t router = 0; router < hr_router_count(); router++) {
    hr_config language = small_language_model(router, router % 2), classifier = small_classifier(router);
    test_same_seed(language);
    test_same_seed(classifier);
    test_resumed(language);
    test_resumed(classifier);
    test_dropout(language);
    test_dropout(classifier);
    test_steps(language, 0.1);
    test_steps(classifier, 0);
    test_learns(language);
    test_learns(classifier);
    test_streams(router);
    test_divergence(language);
    test_divergence(classifier);
    for (int32_t layers = 1; layers <= 4; layers++) {
      test_memory_carries(router, false, layers);
      test_memory_carries(router, true, layers);
    }
    if (hr_router_routes(router)) {
      if (router == router_named("smoe")) language.load_balance_weight = language.router_z_weight = 0.1;
      test_raised_k(language);
      test_raised_k(classifier);
    }
  }
  test_top_k_refused();
  test_bad_language_batches();
  test_bad_classifier_batches();
  test_infinite_gradient();
  return test_report("model");
}
