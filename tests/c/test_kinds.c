/* What the kinds of model have of their own. Text classifiers: sequences of different lengths know nothing of each other, the head is trained with a rate of its own or
 * alone, classes may weigh differently; and the hidden states of every kind of model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

static int32_t tokens_of(const hr_batch *batch) {
  int32_t n = 0;
  for (int32_t b = 0; b < batch->batch; b++) n += batch->lengths[b];
  return n;
}

/* A sequence of a batch has the logits and the routing that it has alone. Where experts choose tokens it has not. */
static void test_alone(hr_config config) {
  hr_model *model = new_model(&config);
  randomise_parameters(model, 31);
  sample data = new_sample(model, 32);
  CHECK_OK(hr_model_predict(model, &data.batch));
  int32_t rows, seen;
  hr_real *together = new_reals(config.batch_size * config.classes);
  const hr_real *logits = hr_model_logits(model, &rows);
  CHECK_INT(rows, config.batch_size);
  memcpy(together, logits, (size_t)(rows * config.classes) * sizeof *together);
  CHECK(hr_model_hidden(model, config.layers, &seen) != NULL);
  CHECK_INT(seen, tokens_of(&data.batch));
  hr_routing routing;
  if (router_routes(config.router)) {
    CHECK_OK(hr_model_routing(model, 0, &routing));
    CHECK_INT(routing.tokens, seen);
    int32_t assignments = 0;
    for (int32_t e = 0; e < config.experts; e++) assignments += routing.counts[e];
    CHECK_INT(assignments, seen * config.top_k);
  }
  const int32_t *tokens = data.tokens;
  for (int32_t b = 0; b < config.batch_size; b++) {
    const int32_t length = data.lengths[b];
    CHECK_OK(hr_model_predict(model, &(hr_batch){.tokens = tokens, .batch = 1, .length = length}));
    tokens += length;
    CHECK_NEAR(
        largest_difference(hr_model_logits(model, &rows), together + b * config.classes, config.classes), 0,
        1e-5);
    CHECK_INT(rows, 1);
  }
  free(together);
  free_sample(&data);
  hr_model_destroy(model);
}

/* Room for longer sequences than there are changes no bit, in training with dropout neither. */
static void test_room(hr_config config) {
  config.dropout = config.attention_dropout = config.head_dropout = 0.2;
  hr_config roomy = config;
  roomy.context_length *= 3;
  roomy.batch_size += 2;
  hr_model *model = new_model(&config), *other = new_model(&roomy);
  sample data = new_sample(model, 33);
  hr_batch longer = data.batch;
  longer.length = roomy.context_length;
  for (int32_t step = 0; step < 3; step++) {
    hr_result a, b;
    CHECK_OK(hr_model_train_step(model, &data.batch, 0.01, 0.5, &a));
    CHECK_OK(hr_model_train_step(other, &longer, 0.01, 0.5, &b));
    CHECK(a.loss == b.loss && a.grad_norm == b.grad_norm);
  }
  for (int32_t i = 0; i < hr_model_parameter_count(model); i++) {
    const hr_parameter *a = hr_model_parameter(model, i), *b = hr_model_parameter(other, i);
    CHECK(same_bits(a->data, b->data, a->size));
  }
  free_sample(&data);
  hr_model_destroy(model);
  hr_model_destroy(other);
}

static void test_refused(void) {
  const hr_config config = small_text_classifier(0, false);
  hr_model *model = new_model(&config);
  sample data = new_sample(model, 34);
  hr_result result;
  static const int32_t LENGTHS[] = {0, -1, 7, INT32_MAX, INT32_MIN};
  const uint64_t before = fingerprint(model);
  for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
    const int32_t was = data.lengths[1];
    data.lengths[1] = LENGTHS[i];
    CHECK_REFUSED(hr_model_evaluate(model, &data.batch, &result));
    CHECK_REFUSED(hr_model_train_step(model, &data.batch, 0.1, 0, &result));
    data.lengths[1] = was;
  }
  CHECK(fingerprint(model) == before);
  CHECK_REFUSED(hr_generation_begin(model, 1));
  const hr_config language = small_language_model(0, false);
  hr_model *other = new_model(&language);
  CHECK_REFUSED(hr_model_predict(other, &data.batch));
  CHECK_REFUSED(hr_model_set_head_rate(other, 0.1));
  CHECK_REFUSED(hr_model_set_head_only(other, true));
  CHECK_REFUSED(hr_model_set_class_weights(other, NULL));
  CHECK_REFUSED(hr_model_set_head_rate(model, (double)NAN));
  CHECK_REFUSED(hr_model_set_head_rate(model, (double)INFINITY));
  CHECK_REFUSED(hr_model_set_class_weights(model, (hr_real[]){1, 0, 1}));
  CHECK_REFUSED(hr_model_set_class_weights(model, (hr_real[]){1, (hr_real)NAN, 1}));
  CHECK_REFUSED(hr_model_set_class_weights(model, (hr_real[]){1, (hr_real)INFINITY, 1}));
  CHECK_REFUSED(hr_model_set_class_weights(model, (hr_real[]){1, 1, -1}));
  CHECK_REFUSED(hr_model_set_class_weights(model, (hr_real[]){1, 1, (hr_real)3e38}));
  CHECK_OK(hr_model_evaluate(model, &data.batch, &result));
  free_sample(&data);
  hr_model_destroy(model);
  hr_model_destroy(other);
}

static bool in_head(const char *name) {
  return strncmp(name, "project_head.", 13) == 0 || strncmp(name, "output.", 7) == 0;
}

/* Which parts moved in two steps from the same values: those of the body, and those of the head as another model's did. */
static void check_moved(hr_model *model, hr_model *same, bool body, bool head_as_same) {
  hr_config config = *hr_model_config(model);
  hr_model *before = new_model(&config);
  for (int32_t i = 0; i < hr_model_parameter_count(model); i++) {
    const hr_parameter *p = hr_model_parameter(model, i), *old = hr_model_parameter(before, i),
                       *other = hr_model_parameter(same, i);
    if (p->role == HR_FROZEN) continue;
    test_context("%s", p->name);
    if (in_head(p->name)) {
      CHECK(!same_bits(p->data, old->data, p->size));
      CHECK(same_bits(p->data, other->data, p->size) == head_as_same);
    } else {
      CHECK(same_bits(p->data, old->data, p->size) != body);
    }
  }
  test_context("%s", "");
  hr_model_destroy(before);
}

static void test_head(hr_config config) {
  hr_model *plain = new_model(&config), *own = new_model(&config), *alone = new_model(&config);
  sample data = new_sample(plain, 35);
  hr_result result, of_head, again;
  CHECK_OK(hr_model_set_head_rate(own, 0.02));
  CHECK_OK(hr_model_set_head_rate(alone, 0.01));
  CHECK_OK(hr_model_set_head_only(alone, true));
  CHECK_OK(hr_model_train_step(plain, &data.batch, 0.01, 0, &result));
  CHECK_OK(hr_model_train_step(own, &data.batch, 0.01, 0, &again));
  CHECK(again.loss == result.loss && again.grad_norm == result.grad_norm);
  CHECK_OK(hr_model_gradients(alone, &data.batch, &of_head));
  CHECK(of_head.loss == result.loss && of_head.grad_norm < result.grad_norm);
  double squares = 0;
  for (int32_t i = 0; i < hr_model_parameter_count(alone); i++) {
    const hr_parameter *p = hr_model_parameter(alone, i);
    if (!p->grad) continue;
    CHECK_THAT(in_head(p->name) == (largest(p->grad, p->size) > 0), "%s", p->name);
    for (int32_t j = 0; j < p->size; j++) squares += (double)p->grad[j] * (double)p->grad[j];
  }
  CHECK_NEAR(of_head.grad_norm, sqrt(squares), 1e-6 * sqrt(squares));
  CHECK_OK(hr_model_train_step(alone, &data.batch, 0, 0, &again));
  CHECK(again.auxiliary <= 0);
  check_moved(own, plain, true, false);
  /* The first step of the head does not depend on what the body does. */
  check_moved(alone, plain, false, true);
  for (int32_t i = 0; i < hr_model_parameter_count(alone); i++) {
    const hr_parameter *p = hr_model_parameter(alone, i);
    if (p->m && !in_head(p->name)) CHECK(largest(p->m, p->size) <= 0 && largest(p->v, p->size) <= 0);
  }
  CHECK_OK(hr_model_set_head_only(alone, false));
  CHECK_OK(hr_model_set_head_rate(alone, -1));
  CHECK_OK(hr_model_train_step(alone, &data.batch, 0.01, 0, &again));
  free_sample(&data);
  hr_model_destroy(plain);
  hr_model_destroy(own);
  hr_model_destroy(alone);
}

/* The loss against its definition: PyTorch's CrossEntropyLoss(weight). */
static void test_class_weights(hr_config config) {
  static const hr_real WEIGHTS[] = {(hr_real)0.25, 3, (hr_real)1.5};
  hr_model *model = new_model(&config);
  randomise_parameters(model, 36);
  sample data = new_sample(model, 37);
  hr_result plain, weighted, step, ones;
  CHECK_OK(hr_model_evaluate(model, &data.batch, &plain));
  CHECK_OK(hr_model_set_class_weights(model, WEIGHTS));
  CHECK_OK(hr_model_evaluate(model, &data.batch, &weighted));
  CHECK_OK(hr_model_gradients(model, &data.batch, &step));
  int32_t rows;
  const hr_real *logits = hr_model_logits(model, &rows);
  double sum = 0, total = 0;
  for (int32_t i = 0; i < rows; i++) {
    double power = 0;
    for (int32_t c = 0; c < config.classes; c++) power += exp((double)logits[i * config.classes + c]);
    const int32_t target = data.targets[i];
    sum += (double)WEIGHTS[target] * (log(power) - (double)logits[i * config.classes + target]);
    total += (double)WEIGHTS[target];
  }
  CHECK_NEAR(weighted.loss, sum / total, 1e-6);
  CHECK_NEAR(step.loss, weighted.loss, 1e-7);
  for (int32_t i = 0; i < 2; i++) {
    const hr_real all = i ? HR_CLASS_WEIGHT_MIN : HR_CLASS_WEIGHT_MAX;
    CHECK_OK(hr_model_set_class_weights(model, (hr_real[]){all, all, all}));
    CHECK_OK(hr_model_gradients(model, &data.batch, &ones));
    CHECK_OK(hr_model_set_class_weights(model, NULL));
    CHECK_OK(hr_model_gradients(model, &data.batch, &step));
    CHECK_NEAR(ones.grad_norm, step.grad_norm, 1e-5 * step.grad_norm);
  }
  CHECK(fabs(weighted.loss - plain.loss) > 1e-3);
  CHECK_OK(hr_model_set_class_weights(model, (hr_real[]){1, 1, 1}));
  CHECK_OK(hr_model_evaluate(model, &data.batch, &ones));
  CHECK(ones.loss == plain.loss);
  CHECK_OK(hr_model_set_class_weights(model, NULL));
  CHECK_OK(hr_model_evaluate(model, &data.batch, &ones));
  CHECK(ones.loss == plain.loss);
  free_sample(&data);
  hr_model_destroy(model);
}

/* Layer 0 reads the input, and what the last layer gives out is what the output layer reads. */
static void test_hidden(hr_config config) {
  hr_model *model = new_model(&config);
  randomise_parameters(model, 38);
  sample data = new_sample(model, 39);
  int32_t tokens, rows;
  CHECK(hr_model_hidden(model, 0, &tokens) != NULL);
  CHECK_INT(tokens, 0);
  CHECK_OK(hr_model_predict(model, &data.batch));
  const int32_t d = config.d_model;
  const hr_real *x = hr_model_hidden(model, 0, &tokens), *y = hr_model_hidden(model, config.layers, &tokens);
  CHECK(hr_model_hidden(model, -1, &tokens) == NULL);
  CHECK(hr_model_hidden(model, config.layers + 1, &tokens) == NULL);
  const bool language = config.kind == HR_LANGUAGE_MODEL;
  const hr_parameter *w = find_parameter(model, language ? "word_emb.emb_layers.0.weight" : "output.weight");
  const hr_parameter *b = find_parameter(model, language ? "crit.out_layers.0.bias" : "output.bias");
  const hr_real *logits = hr_model_logits(model, &rows);
  CHECK_INT(tokens, rows);
  for (int32_t i = 0; i < rows; i++) {
    double sum = (double)b->data[0];
    for (int32_t j = 0; j < d; j++) sum += (double)w->data[j] * (double)y[i * d + j];
    CHECK_NEAR(logits[i * hr_model_columns(model)], sum, 1e-4);
    const hr_real *row = w->data + (ptrdiff_t)data.tokens[i] * d;
    for (int32_t j = 0; language && j < d; j++) CHECK_NEAR(x[i * d + j], sqrt(d) * (double)row[j], 1e-5);
  }
  free_sample(&data);
  hr_model_destroy(model);
}

/* The mean over rows and outputs of the squared error. */
static void test_regressor(hr_config config) {
  hr_model *model = new_model(&config);
  randomise_parameters(model, 41);
  sample data = new_sample(model, 42);
  hr_result result;
  CHECK_OK(hr_model_evaluate(model, &data.batch, &result));
  int32_t rows;
  const hr_real *got = hr_model_logits(model, &rows);
  double sum = 0;
  for (int32_t i = 0; i < rows * config.outputs; i++)
    sum += ((double)got[i] - (double)data.values[i]) * ((double)got[i] - (double)data.values[i]);
  CHECK_NEAR(result.loss, sum / (rows * config.outputs), 1e-6 * result.loss);
  CHECK(hr_model_probabilities(model, &rows) == NULL);
  CHECK_REFUSED(hr_model_set_class_weights(model, NULL));
  const double loss = result.loss;
  for (int32_t step = 0; step < 100; step++)
    CHECK_OK(hr_model_train_step(model, &data.batch, 0.01, 0, &result));
  CHECK(result.loss < 0.5 * loss);
  data.values[1] = (hr_real)NAN;
  CHECK_REFUSED(hr_model_evaluate(model, &data.batch, &result));
  CHECK_OK(hr_model_predict(model, &data.batch));
  data.batch.values = NULL;
  CHECK_REFUSED(hr_model_train_step(model, &data.batch, 0.01, 0, &result));
  free_sample(&data);
  hr_model_destroy(model);
}

int main(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    for (int pre = 0; pre < 2; pre++) {
      test_alone(small_text_classifier(router, pre));
      test_room(small_text_classifier(router, pre));
    }
  }
  hr_config gated = small_text_classifier(router_named("smoe"), true);
  for (gated.gate = 1; gated.gate < gate_count(); gated.gate++) test_room(gated);
  test_refused();
  hr_config balanced = small_text_classifier(router_named("smoe"), false);
  balanced.balance_rate = 0.1;
  balanced.load_balance_weight = 0.1;
  test_head(balanced);
  test_head(small_text_classifier(0, true));
  test_head(small_classifier(0));
  test_head(small_regressor(1));
  test_class_weights(small_text_classifier(0, false));
  test_class_weights(small_classifier(0));
  test_hidden(small_language_model(0, false));
  test_hidden(small_classifier(0));
  for (int32_t router = 0; router < router_count(); router++) {
    if (router_fits(router, HR_REGRESSOR)) test_regressor(small_regressor(router));
  }
  return test_report("kinds");
}
