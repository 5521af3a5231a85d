/* Gradients of whole models against differences of the loss: every tensor of every router, both orders of layer norm,
 * without and with memory, dropout, auxiliary losses, K above the configured one, every kind of model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "differences.h"
#include "testing.h"

/* A loss as a function of parameters alone: the same batch behind the same memory. */
typedef struct subject {
  hr_model *model;
  hr_batch batch;
  int32_t *tokens, *targets;
  hr_real *features, *values;
  hr_real **memory; /* of each layer */
  int32_t memory_length, memory_batch;
  int32_t *experts; /* [L,N] that the gradient was taken with, a bit each */
} subject;

static int64_t memory_size(const subject *self) {
  const hr_config *c = hr_model_config(self->model);
  return (int64_t)c->batch_size * c->memory_length * c->d_model;
}

static void keep_memory(subject *self) {
  const hr_config *c = hr_model_config(self->model);
  const int64_t size = memory_size(self);
  self->memory_length = hr_model_memory_length(self->model);
  self->memory_batch = hr_model_memory_batch(self->model);
  self->memory = calloc((size_t)c->layers, sizeof *self->memory);
  for (int32_t layer = 0; layer < c->layers && size > 0; layer++) {
    self->memory[layer] = new_reals(size);
    memcpy(self->memory[layer], hr_model_memory(self->model, layer), (size_t)size * sizeof(hr_real));
  }
}

static void restore_memory(const subject *self) {
  const hr_config *c = hr_model_config(self->model);
  const int64_t size = memory_size(self);
  for (int32_t layer = 0; layer < c->layers && size > 0; layer++)
    memcpy(hr_model_memory(self->model, layer), self->memory[layer], (size_t)size * sizeof(hr_real));
  CHECK_OK(hr_model_set_memory(self->model, self->memory_length, self->memory_batch));
}

/* Whether the experts of every token, one bit each, are those that were kept; or keeps them. */
static bool compare_experts(const subject *self, bool keep) {
  const hr_config *c = hr_model_config(self->model);
  int32_t *kept = self->experts;
  for (int32_t layer = 0; layer < c->layers; layer++) {
    hr_routing routing;
    if (hr_model_routing(self->model, layer, &routing) != HR_OK) return true;
    for (int32_t i = 0; i < routing.tokens; i++, kept++) {
      int32_t chosen = 0;
      for (int32_t j = i * routing.top_k; j < (i + 1) * routing.top_k; j++) {
        /* Those that were dropped count as another choice. */
        if (routing.experts[j] >= 0) chosen |= (routing.weights[j] != 0 ? 1 : 1 << 16) << routing.experts[j];
      }
      if (keep) *kept = chosen;
      if (*kept != chosen) return false;
    }
  }
  return true;
}

static void keep_experts(subject *self) {
  const hr_config *c = hr_model_config(self->model);
  self->experts = new_ints((int64_t)c->layers * self->batch.batch * self->batch.length);
  compare_experts(self, true);
}

/* By hr_model_gradients, which drops what the gradient was taken with; hr_model_evaluate drops nothing. */
static double loss(void *memory, bool *comparable) {
  subject *self = memory;
  hr_result result;
  hr_model_invalidate(self->model);
  restore_memory(self);
  CHECK_OK(hr_model_gradients(self->model, &self->batch, &result));
  if (!compare_experts(self, false)) *comparable = false;
  return result.loss + result.auxiliary;
}

/* Of the sequences of a text classifier, which lie in segments of up to 5. */
static const int32_t LENGTHS[] = {3, 1, 5, 4};

static void open_subject(subject *self, const hr_config *config, int32_t batch, int32_t length,
                         int32_t remembered) {
  *self = (subject){.model = new_model(config)};
  const bool language = config->kind == HR_LANGUAGE_MODEL, tokens = reads_tokens(config->kind);
  const int32_t room = config->batch_size * (tokens ? config->context_length : 1);
  randomise_parameters(self->model, config->seed);
  self->tokens = new_ints(room);
  self->targets = new_ints(room);
  self->features = new_normal((int64_t)room * config->input_size, 1);
  self->values = new_normal((int64_t)room * config->outputs, 1);
  random_tokens(self->targets, room, language ? config->vocab_size : config->classes);
  self->batch = (hr_batch){.tokens = tokens ? self->tokens : NULL,
                           .lengths = config->kind == HR_TEXT_CLASSIFIER ? LENGTHS : NULL,
                           .features = tokens ? NULL : self->features,
                           .targets = self->targets,
                           .values = self->values,
                           .batch = batch,
                           .length = length,
                           .carry_memory = true};
  while (language && hr_model_memory_length(self->model) < remembered) {
    const int32_t missing = remembered - hr_model_memory_length(self->model);
    hr_batch before = self->batch;
    before.length = missing < config->context_length ? missing : config->context_length;
    random_tokens(self->tokens, room, config->vocab_size);
    CHECK_OK(hr_model_predict(self->model, &before));
  }
  random_tokens(self->tokens, room, config->vocab_size);
  /* Adam's bias correction plays no part, but the masks of dropout are those of a step. */
  CHECK_OK(hr_model_set_step(self->model, 3));
}

static void close_subject(subject *self) {
  for (int32_t layer = 0; layer < hr_model_config(self->model)->layers; layer++) free(self->memory[layer]);
  free(self->memory);
  free(self->experts);
  free(self->tokens);
  free(self->targets);
  free(self->features);
  free(self->values);
  hr_model_destroy(self->model);
}

typedef struct expectation {
  bool auxiliary;
  int32_t top_k; /* 0: the configured one */
  bool silent;   /* no gradient reaches the router */
  const hr_real *class_weights;
} expectation;

static differences total = {.loss = loss};

/* Whether a tensor only has the gradient that the caller carries on to it, which nobody does here. */
static bool is_callers(const char *name) {
  const char *end = strstr(name, ".gate.");
  return end && strcmp(end, ".gate.u") == 0;
}

static void check_model(const hr_config *config, const char *what, int32_t batch, int32_t length,
                        int32_t remembered, expectation expected) {
  char name[128];
  snprintf(name, sizeof name, "%s, %s, %s layer norm, memory %d", what, router_name(config->router),
           config->pre_layer_norm ? "pre" : "post", remembered);
  test_context("%s", name);
  subject self;
  open_subject(&self, config, batch, length, remembered);
  if (expected.top_k) CHECK_OK(hr_model_set_top_k(self.model, expected.top_k));
  if (expected.class_weights) CHECK_OK(hr_model_set_class_weights(self.model, expected.class_weights));
  keep_memory(&self);
  CHECK_INT(self.memory_length, remembered);
  hr_result result;
  CHECK_OK(hr_model_gradients(self.model, &self.batch, &result));
  CHECK((result.auxiliary > 0) == expected.auxiliary);
  keep_experts(&self);

  const int32_t count = hr_model_parameter_count(self.model);
  hr_real **gradients = calloc((size_t)count, sizeof *gradients);
  for (int32_t i = 0; i < count; i++) {
    const hr_parameter *parameter = hr_model_parameter(self.model, i);
    CHECK((parameter->grad != NULL) == (parameter->role == HR_TRAINED || parameter->role == HR_EXTERNAL));
    if (!parameter->grad) continue;
    gradients[i] = new_reals(parameter->size);
    memcpy(gradients[i], parameter->grad, (size_t)parameter->size * sizeof(hr_real));
    /* One weight that is scaled to 1 teaches the router nothing. */
    const bool silent = (expected.silent && strstr(parameter->name, ".gate.")) || is_callers(parameter->name);
    CHECK_THAT((largest(gradients[i], parameter->size) > 0) != silent, "%s has a gradient", parameter->name);
  }
  total.self = &self;
  for (int32_t i = 0; i < count; i++) {
    hr_parameter *parameter = hr_model_parameter(self.model, i);
    if (!gradients[i]) continue;
    check_gradient(&total, parameter->name, parameter->data, gradients[i], parameter->size);
    free(gradients[i]);
  }
  free(gradients);
  close_subject(&self);
  test_context("%s", "");
}

static hr_config language_model(int32_t router, bool pre_layer_norm) {
  hr_config config = small_language_model(router, pre_layer_norm);
  config.vocab_size = 7;
  config.d_model = 6;
  config.heads = 2;
  config.d_head = 3;
  config.d_inner = 5;
  config.experts = 4;
  config.hyper_size = 7;
  config.context_length = 5;
  config.memory_length = 6;
  config.batch_size = 2;
  config.seed = 17 + (uint32_t)router;
  return config;
}

static void check_routers(void) {
  const expectation plain = {0};
  for (int32_t router = 0; router < router_count(); router++) {
    /* The same computations as with "smoe"; check_gates has it with every gate. */
    if (router_option(router)->traits & HR_TRAIT_EXTERNAL) continue;
    for (int pre = 0; pre < 2; pre++) {
      hr_config config = language_model(router, pre);
      check_model(&config, "language model", 2, 5, 0, plain);
      check_model(&config, "language model", 2, 5, 6, plain);
      check_model(&config, "filling memory", 1, 3, 4, plain);
      config.layers = 1;
      config.heads = 3;
      config.d_head = 1;
      config.d_model = 14;
      config.d_inner = 3;
      config.experts = 3;
      config.top_k = 3;
      check_model(&config, "one layer", 2, 1, 5, plain);

      config = language_model(router, pre);
      config.dropout = 0.25;
      config.attention_dropout = 0.2;
      check_model(&config, "dropout", 2, 5, 6, plain);
      if (router_routes(router)) {
        check_model(&config, "dropout and K above", 2, 5, 3, (expectation){.top_k = 4});
        config.dropout = config.attention_dropout = 0;
        config.top_k = 1;
        check_model(&config, "K above", 2, 5, 3, (expectation){.top_k = 3});
        config.top_k = 3;
        check_model(&config, "K below", 2, 5, 0, (expectation){.top_k = 2});
      }
    }
  }
}

static void check_auxiliary_losses(void) {
  const expectation both = {.auxiliary = true}, above = {.auxiliary = true, .top_k = 3};
  for (int pre = 0; pre < 2; pre++) {
    hr_config config = language_model(router_named("smoe"), pre);
    config.load_balance_weight = 0.7;
    check_model(&config, "load balance", 2, 5, 0, both);
    config.router_z_weight = 0.3;
    check_model(&config, "load balance and z", 2, 4, 6, both);
    check_model(&config, "load balance and z, K above", 2, 5, 3, above);
    config.load_balance_weight = 0;
    check_model(&config, "z", 2, 5, 2, both);
  }
}

/* Every gate with every router, and everything that can stand beside them. */
static void check_gates(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    const int32_t traits = router_option(router)->traits;
    if (!(traits & HR_TRAIT_GATED)) continue;
    for (int32_t gate = 0; gate < gate_count(); gate++) {
      const bool top_k = gate <= gate_named("sigmoid"), pre = (router + gate) % 2;
      const bool learns = traits & HR_TRAIT_LEARNS, relu = gate == gate_named("relu");
      hr_config config = language_model(router, pre);
      config.gate = gate;
      check_model(&config, gate_name(gate), 2, 5, 3, (expectation){0});
      config.shared_experts = 2;
      config.dropout = 0.2;
      config.router_noise = (traits & HR_TRAIT_MATRIX) != 0;
      check_model(&config, "with noise and shared experts", 2, 5, 0, (expectation){0});
      if (top_k) {
        config.capacity_factor = 0.8;
        config.balance_rate = 0.01;
        if (learns) config.load_balance_weight = config.router_z_weight = 0.3;
        check_model(&config, "with capacity, bias and losses", 2, 5, 2, (expectation){.auxiliary = learns});
        config.top_k = 1;
        const bool silent = !learns && gate != gate_named("softmax-topk");
        check_model(&config, "K 1", 2, 5, 0, (expectation){.auxiliary = learns, .silent = silent});
      }
      if (!relu) continue;
      config.sparsity_weight = 0.2;
      check_model(&config, "with the sparsity loss", 2, 5, 2, (expectation){.auxiliary = true});
    }
  }
  for (int32_t gate = 1; gate < gate_count(); gate++) {
    hr_config config = small_classifier(router_named("smoe"));
    config.gate = gate;
    check_model(&config, gate_name(gate), 13, 1, 0, (expectation){0});
    check_model(&config, "one token", 1, 1, 0, (expectation){0});
  }
}

/* Segments longer than the blocks that attention and the output layer work in. */
static void check_long(void) {
  hr_config config = language_model(0, false);
  config.layers = 1;
  config.context_length = 70;
  config.memory_length = 11;
  config.batch_size = 1;
  config.attention_dropout = 0.1;
  check_model(&config, "long", 1, 70, 9, (expectation){0});
  config.router = router_named("dense");
  config.pre_layer_norm = 1;
  check_model(&config, "long", 1, 67, 11, (expectation){0});
}

static void check_classifiers(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    if (!router_fits(router, HR_CLASSIFIER)) continue;
    for (int pre = 0; pre < 2; pre++) {
      hr_config config = small_classifier(router);
      config.pre_layer_norm = pre;
      config.seed = 29;
      check_model(&config, "classifier", 13, 1, 0, (expectation){0});
      config.dropout = 0.3;
      check_model(&config, "classifier with dropout", 13, 1, 0, (expectation){0});
      config.input_size = 1;
      config.d_model = 5;
      config.batch_size = 70;
      config.experts = 3;
      config.top_k = 1;
      const bool auxiliary = router == router_named("smoe");
      if (auxiliary) config.load_balance_weight = config.router_z_weight = 0.1;
      check_model(&config, "classifier, K above", 67, 1, 0,
                  (expectation){.auxiliary = auxiliary, .top_k = router_routes(router) ? 2 : 0});
    }
  }
}

static void check_class_weights(void) {
  static const hr_real WEIGHTS[] = {0.2, 3, 1.5};
  const hr_config config = small_classifier(0);
  check_model(&config, "class weights", 13, 1, 0, (expectation){.class_weights = WEIGHTS});
}

static hr_config text_classifier(int32_t router, bool pre_layer_norm) {
  hr_config config = language_model(router, pre_layer_norm);
  config.kind = HR_TEXT_CLASSIFIER;
  config.classes = 3;
  config.batch_size = 4;
  config.seed = 40 + (uint32_t)router;
  return config;
}

/* Sequences of different lengths, with every router and gate. */
static void check_text_classifiers(void) {
  static const hr_real WEIGHTS[] = {0.5, 2, 0.7};
  for (int32_t router = 0; router < router_count(); router++) {
    if (router_option(router)->traits & HR_TRAIT_EXTERNAL) continue;
    hr_config config = text_classifier(router, router % 2);
    config.head_dropout = 0;
    check_model(&config, "text classifier", 4, 5, 0, (expectation){0});
    config.pre_layer_norm = !config.pre_layer_norm;
    config.dropout = 0.25;
    config.attention_dropout = 0.2;
    config.head_dropout = 0.3;
    check_model(&config, "text classifier with dropout", 4, 5, 0, (expectation){.class_weights = WEIGHTS});
  }
  for (int32_t gate = 1; gate < gate_count(); gate++) {
    hr_config config = text_classifier(router_named("smoe"), gate % 2);
    config.gate = gate;
    config.router_noise = 1;
    config.shared_experts = 1;
    const bool top_k = gate <= gate_named("sigmoid"), relu = gate == gate_named("relu");
    if (top_k) config.capacity_factor = 0.8;
    if (top_k) config.load_balance_weight = config.router_z_weight = 0.3;
    if (relu) config.sparsity_weight = 0.2;
    check_model(&config, gate_name(gate), 3, 5, 0, (expectation){.auxiliary = top_k || relu});
  }
}

static void check_regressors(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    if (!router_fits(router, HR_REGRESSOR)) continue;
    hr_config config = small_regressor(router);
    config.pre_layer_norm = router % 2;
    config.dropout = 0.2;
    check_model(&config, "regressor", 13, 1, 0, (expectation){0});
  }
}

int main(void) {
  check_routers();
  check_auxiliary_losses();
  check_gates();
  check_long();
  check_classifiers();
  check_class_weights();
  check_text_classifiers();
  check_regressors();
  check_differences(&total, "gradients");
  return test_report("gradients");
}
