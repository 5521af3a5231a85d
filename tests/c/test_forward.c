/* Whole models against the reference: every router, both orders of layer norm, with memory empty, filling up, full and
 * absent, segments of one token, every K, sizes that fill no vector, tile or block. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "reference.h"
#include "testing.h"

static double worst_logits, worst_loss, worst_memory, worst_weights;

/* Errors that are allowed, relative to the largest number of a kind. A layer norm over two numbers makes much of their
 * small difference, and of its rounding error: that model gets more. */
#define TOLERANCE 3e-5
#define TOLERANCE_OF_TWO 3e-4
static double tolerance = TOLERANCE;

static void note(double *worst, double value) {
  if (!(value <= *worst)) *worst = value;
}

/* Logits relative to the largest one of the call. */
static double logit_error(const hr_real *got, const double *expected, int64_t n) {
  double error = 0, size = 1e-3;
  for (int64_t i = 0; i < n; i++) {
    note(&error, fabs((double)got[i] - expected[i]));
    size = fmax(size, fabs(expected[i]));
  }
  return error / size;
}

static void check_routing(hr_model *model, const reference *expected) {
  const hr_config *c = hr_model_config(model);
  const int32_t n = expected->batch * expected->length, e = c->experts, k = expected->top_k;
  for (int32_t layer = 0; layer < c->layers; layer++) {
    hr_routing routing;
    if (!router_routes(c->router)) {
      CHECK_REFUSED(hr_model_routing(model, layer, &routing));
      continue;
    }
    CHECK_OK(hr_model_routing(model, layer, &routing));
    CHECK_INT(routing.tokens, n);
    CHECK_INT(routing.top_k, k);
    CHECK_INT(routing.experts_count, e);
    const int32_t *experts = expected->experts + (int64_t)layer * n * k;
    const double *weights = expected->weights + (int64_t)layer * n * k;
    int32_t *counts = calloc((size_t)e, sizeof *counts), wrong = 0, wrong_counts = 0;
    double off = 0;
    for (int32_t i = 0; i < n * k; i++) {
      wrong += routing.experts[i] != experts[i];
      note(&off, fabs((double)routing.weights[i] - weights[i]));
      counts[experts[i]]++;
    }
    for (int32_t id = 0; id < e; id++) wrong_counts += counts[id] != routing.counts[id];
    free(counts);
    CHECK_INT(wrong, 0);
    CHECK_INT(wrong_counts, 0);
    note(&worst_weights, off);
    CHECK_NEAR(off, 0, tolerance);
    const double *logits = expected->router_logits + (int64_t)layer * n * e;
    CHECK_NEAR(logit_error(routing.logits, logits, (int64_t)n * e), 0, tolerance);
    double entropy = 0;
    for (int32_t i = 0; i < n; i++) {
      double sum = 0;
      for (int32_t id = 0; id < e; id++) sum += exp(logits[i * e + id]);
      for (int32_t id = 0; id < e; id++) {
        const double p = exp(logits[i * e + id]) / sum;
        entropy -= p * log(p) / n / log(e);
      }
    }
    CHECK_NEAR(routing.entropy, e > 1 ? entropy : 0, 1e-4);
  }
  hr_routing none;
  CHECK_REFUSED(hr_model_routing(model, -1, &none));
  CHECK_REFUSED(hr_model_routing(model, c->layers, &none));
}

static void check_logits(hr_model *model, const reference *expected, int32_t classes) {
  int32_t rows;
  const hr_real *logits = hr_model_logits(model, &rows);
  CHECK_INT(rows, expected->batch * expected->length);
  const double error = logit_error(logits, expected->logits, (int64_t)rows * classes);
  note(&worst_logits, error);
  CHECK_NEAR(error, 0, tolerance);
}

static void check_memory(hr_model *model, const reference *expected) {
  const hr_config *c = hr_model_config(model);
  CHECK_INT(hr_model_memory_length(model), expected->memory_length);
  CHECK_INT(hr_model_memory_batch(model), expected->batch);
  const int64_t stream = (int64_t)c->memory_length * c->d_model;
  for (int32_t layer = 0; layer < c->layers; layer++) {
    for (int32_t b = 0; b < expected->batch; b++) {
      const hr_real *got = hr_model_memory(model, layer) + b * stream;
      const double *memory = expected->memory + (layer * (int64_t)c->batch_size + b) * stream;
      const double error = logit_error(got, memory, (int64_t)expected->memory_length * c->d_model);
      note(&worst_memory, error);
      CHECK_NEAR(error, 0, tolerance);
    }
  }
}

/* Segments of the given lengths one behind the other, the memory carried on. */
static void check_segments(hr_model *model, reference *expected, const int32_t *lengths, int count,
                           int32_t batch) {
  const hr_config *c = hr_model_config(model);
  reference_reset_memory(expected);
  for (int i = 0; i < count; i++) {
    const int32_t length = lengths[i], n = batch * length;
    int32_t *tokens = new_ints(n), *targets = new_ints(n);
    random_tokens(tokens, n, c->vocab_size);
    random_tokens(targets, n, c->vocab_size);
    const hr_batch segment = {
        .tokens = tokens, .targets = targets, .batch = batch, .length = length, .carry_memory = i > 0};
    hr_result result;
    reference_language(expected, tokens, batch, length);
    CHECK_OK(hr_model_evaluate(model, &segment, &result));
    const double loss = reference_loss(expected, targets);
    note(&worst_loss, fabs(result.loss - loss) / fmax(1, loss));
    CHECK_NEAR(result.loss, loss, 2e-5 * fmax(1, loss));
    check_logits(model, expected, c->vocab_size);
    check_routing(model, expected);
    check_memory(model, expected);
    free(tokens);
    free(targets);
  }
}

static void check_language_model(const hr_config *config, const char *what) {
  hr_model *model = new_model(config);
  randomise_parameters(model, (uint64_t)(config->d_model * 7 + config->router));
  reference *expected = reference_create(model);
  const int32_t t = config->context_length;
  const int32_t filling[] = {t, 1, t - 1 > 0 ? t - 1 : 1, t, 2 < t ? 2 : t}, short_first[] = {1, 1, t};
  for (int32_t k = 1; k <= config->experts; k++) {
    if (k > 3 && k < config->experts) continue;
    CHECK_OK(hr_model_set_top_k(model, k));
    test_context("%s, %s, %s layer norm, K %d", what, router_name(config->router),
                 config->pre_layer_norm ? "pre" : "post", k);
    check_segments(model, expected, filling, 5, config->batch_size);
    check_segments(model, expected, short_first, 3, 1);
  }
  reference_destroy(expected);
  hr_model_destroy(model);
}

static void test_language_models(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    for (int pre = 0; pre < 2; pre++) {
      hr_config config = small_language_model(router, pre);
      check_language_model(&config, "small");
      config.memory_length = 0;
      check_language_model(&config, "no memory");
      config.memory_length = 17;
      config.context_length = 1;
      check_language_model(&config, "one token");
      config.memory_length = 3;
      config.context_length = 9;
      config.batch_size = 1;
      check_language_model(&config, "memory shorter than a segment");
      config.experts = config.top_k = 1;
      config.layers = 3;
      config.heads = 1;
      config.d_head = 1;
      config.vocab_size = 1;
      check_language_model(&config, "all of one");

      config = small_language_model(router, pre);
      config.d_model = 2;
      config.d_inner = 1;
      config.hyper_size = 1;
      tolerance = TOLERANCE_OF_TWO;
      check_language_model(&config, "narrow");
      tolerance = TOLERANCE;
      config.layers = 1;
      config.d_model = 66;
      config.d_inner = 37;
      config.d_head = 17;
      config.hyper_size = 33;
      config.experts = 7;
      config.vocab_size = 131;
      config.context_length = 19;
      config.memory_length = 23;
      check_language_model(&config, "wide");
    }
  }
}

/* A batch longer than any block of rows, and more columns than a block of a product has. */
static void test_long(void) {
  hr_config config = small_language_model(0, false);
  config.layers = 1;
  config.vocab_size = 600;
  config.context_length = 140;
  config.memory_length = 300;
  config.batch_size = 2;
  config.experts = config.top_k = 3;
  check_language_model(&config, "long");
}

static void check_probabilities(hr_model *model, const reference *expected) {
  const int32_t n = expected->batch, classes = expected->config.classes;
  int32_t rows;
  const hr_real *got = hr_model_probabilities(model, &rows);
  CHECK_INT(rows, n);
  for (int32_t i = 0; i < n; i++) {
    double sum = 0;
    for (int32_t j = 0; j < classes; j++) sum += exp(expected->logits[i * classes + j]);
    for (int32_t j = 0; j < classes; j++)
      CHECK_NEAR(got[i * classes + j], exp(expected->logits[i * classes + j]) / sum, tolerance);
  }
}

static void check_classifier(const hr_config *config, const char *what) {
  hr_model *model = new_model(config);
  randomise_parameters(model, (uint64_t)(config->d_model * 7 + config->router));
  reference *expected = reference_create(model);
  for (int32_t k = 1; k <= config->experts; k++) {
    CHECK_OK(hr_model_set_top_k(model, k));
    test_context("%s classifier, %s, %s layer norm, K %d", what, router_name(config->router),
                 config->pre_layer_norm ? "pre" : "post", k);
    for (int32_t n = 1; n <= config->batch_size; n += config->batch_size > 1 ? config->batch_size - 1 : 1) {
      hr_real *features = new_normal((int64_t)n * config->input_size, 1);
      int32_t *targets = new_ints(n);
      random_tokens(targets, n, config->classes);
      const hr_batch batch = {.features = features, .targets = targets, .batch = n, .length = 1};
      hr_result result;
      reference_classifier(expected, features, n);
      CHECK_OK(hr_model_evaluate(model, &batch, &result));
      CHECK_NEAR(result.loss, reference_loss(expected, targets), 2e-5 * fmax(1, result.loss));
      check_logits(model, expected, config->classes);
      check_probabilities(model, expected);
      check_routing(model, expected);
      const hr_batch untold = {.features = features, .batch = n, .length = 1};
      CHECK_OK(hr_model_predict(model, &untold));
      check_logits(model, expected, config->classes);
      free(features);
      free(targets);
    }
  }
  reference_destroy(expected);
  hr_model_destroy(model);
}

static void test_classifiers(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    if (!router_fits(router, HR_CLASSIFIER)) continue;
    for (int pre = 0; pre < 2; pre++) {
      hr_config config = small_classifier(router);
      config.pre_layer_norm = pre;
      check_classifier(&config, "small");
      config.batch_size = 1;
      config.input_size = 1;
      config.d_model = 1;
      check_classifier(&config, "narrow");
      config.batch_size = 301;
      config.input_size = 65;
      config.d_model = 23;
      config.classes = 10;
      check_classifier(&config, "wide");
    }
  }
}

int main(void) {
  test_language_models();
  test_long();
  test_classifiers();
  printf("worst errors: logits %.2g, losses %.2g, memory %.2g, weights of experts %.2g\n", worst_logits,
         worst_loss, worst_memory, worst_weights);
  return test_report("forward");
}
