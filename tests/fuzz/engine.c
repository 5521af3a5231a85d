/* libFuzzer over src/hyperrouter.h: configurations in and out of limits, and calls in any order. An input is a
 * configuration and then one call after the other, each byte a choice; what kinds, routers, gates and fields there are
 * is asked of the engine. Beside what the sanitizers see, results are checked that must hold for every input. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyperrouter.h"
#include "input.h"

/* One model takes at most this much: larger ones are refused their memory, as on a machine that has no more. */
enum { MEMORY_LIMIT = 1 << 20, CALLS = 24, SIZE_LIMIT = 200 };

/* One input's model. */
typedef struct run {
  hr_model *model;
  const hr_config *given;  /* what it was created from: with the tensors of a custom router */
  const hr_config *config; /* the model's own */
  input *in;
  uint64_t random; /* state of the generator that fills arrays */
} run;

/* ------------------------------------------------------------------------------------------- memory of the engine */

static size_t most_bytes = SIZE_MAX;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size) {
  return size > most_bytes ? NULL : __real_malloc(size);
}

/* -------------------------------------------------------------------------------------------------- configurations */

static const double NUMBERS[] = {0,         0.1,     0.5, 0.9,   0.999, 0.9999999, 0x1.fffffffffffffp-1,
                                 1e-30,     1e-8,    1,   0.001, 1e6,   1000,      1e-300,
                                 0x1p-1074, INFINITY};

static double wild_integer(input *in, const hr_field *field) {
  const double span = field->maximum - field->minimum + 1;
  switch (input_below(in, 5)) {
  case 0:
    return field->maximum - input_below(in, 8);
  case 1:
    return field->minimum - 1 + input_below(in, 8);
  case 2:
    return field->minimum + fmod(input_u32(in), span);
  case 3:
    return (int32_t)input_u32(in);
  default:
    return 1 << input_below(in, 21);
  }
}

/* Small, so that a model of many such sizes is quick. */
static double tame_integer(input *in, const hr_field *field) {
  const int32_t most = strcmp(field->name, "layers") == 0 ? 3 : 13;
  return fmin(field->minimum + input_below(in, most), field->maximum);
}

static void set_field(hr_config *config, const hr_field *field, double value) {
  void *at = (char *)config + field->offset;
  if (field->type == HR_NUMBER)
    memcpy(at, &value, sizeof value);
  else if (field->type == HR_SEED)
    memcpy(at, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
  else
    memcpy(at, &(int32_t){(int32_t)value}, sizeof(int32_t));
}

static double choose_value(input *in, const hr_field *field, bool wild) {
  if (field->type == HR_SEED) return input_below(in, 256);
  if (field->type == HR_BOOLEAN) return input_below(in, 2);
  if (field->type == HR_CHOICE) {
    int32_t options = 0;
    while (field->option(options)) options++;
    return input_below(in, options + (wild && input_below(in, 8) == 0));
  }
  if (field->type == HR_INTEGER) return wild ? wild_integer(in, field) : tame_integer(in, field);
  const uint32_t way = input_byte(in);
  if (way < 96) return field->initial;
  return way < 128 && wild ? NAN : NUMBERS[way % (sizeof NUMBERS / sizeof *NUMBERS)];
}

static const hr_router_tensor *router_tensors(input *in, int32_t *count) {
  static hr_router_tensor tensors[4];
  static const char *const NAMES[] = {"u", "v", "fixed.offset", "generated.weight", "", "9", "u", "weight"};
  *count = input_below(in, 5);
  for (int32_t i = 0; i < *count; i++) {
    hr_router_tensor tensor = {.trained = input_below(in, 2), .deviation = 0.02};
    const uint32_t way = input_byte(in);
    strcpy(tensor.name, way < 128 ? (const char *[]){"a", "b", "c", "d"}[i] : NAMES[way % 8]);
    for (int32_t axis = 0; axis < 3; axis++)
      tensor.shape[axis] = input_below(in, 5) + (axis == 0 && way < 200);
    if (way > 250) tensor.shape[0] = (int32_t)input_u32(in);
    if (way == 249) tensor.deviation = NAN;
    if (way == 248) memset(tensor.name, 'x', sizeof tensor.name);
    tensors[i] = tensor;
  }
  return tensors;
}

/* Changes what the engine complains about, so that most inputs reach the calls. */
static void repair(hr_config *config) {
  hr_config_error error;
  for (int32_t tries = 0; tries < 40 && hr_config_check(config, &error) != HR_OK; tries++) {
    if (error.rule == HR_RULE_TENSORS) config->router_tensor_count = 0;
    const hr_field *field = hr_config_field(error.field);
    if (!field) continue;
    if (error.rule == HR_RULE_EVEN)
      *(int32_t *)(void *)((char *)config + field->offset) += 1;
    else if (error.rule == HR_RULE_RANGE || error.rule == HR_RULE_NEEDS)
      set_field(config, field, error.minimum);
    else
      set_field(config, field, field->initial);
  }
}

static bool configure(input *in, hr_config *config) {
  const bool wild = input_below(in, 4) == 0;
  hr_config_default(config, (hr_kind)input_below(in, HR_KINDS));
  for (int32_t i = 0; i < hr_config_field_count(); i++) {
    const hr_field *field = hr_config_field(i);
    if (field->kinds & (1 << config->kind)) set_field(config, field, choose_value(in, field, wild));
  }
  config->router_tensors = router_tensors(in, &config->router_tensor_count);
  if (!wild) repair(config);
  return hr_config_check(config, NULL) == HR_OK;
}

/* ------------------------------------------------------------------------------------------------------ invariants */

/* Of all that a refused or failed call must leave alone. */
static uint64_t digest(hr_model *model) {
  uint64_t hash = (uint64_t)hr_model_step(model) * 31 + (uint64_t)hr_model_top_k(model);
  for (int32_t i = 0; i < hr_model_parameter_count(model); i++) {
    const hr_parameter *p = hr_model_parameter(model, i);
    const hr_real *arrays[] = {p->role == HR_EXTERNAL ? NULL : p->data, p->m, p->v};
    for (int32_t a = 0; a < 3; a++) {
      for (int32_t j = 0; arrays[a] && j < p->size; j++) {
        uint32_t bits;
        memcpy(&bits, &arrays[a][j], sizeof bits);
        hash = (hash ^ bits) * 0x100000001b3u;
      }
    }
  }
  return hash;
}

static void check_token(const hr_routing *routing, int32_t token) {
  const int32_t k = routing->top_k;
  const int32_t *experts = routing->experts + (size_t)token * (size_t)k;
  const hr_real *weights = routing->weights + (size_t)token * (size_t)k;
  for (int32_t i = 0; i < k; i++) {
    REQUIRE(experts[i] >= -1 && experts[i] < routing->experts_count);
    if (experts[i] < 0) REQUIRE(weights[i] == 0);
    for (int32_t j = 0; j < i; j++) REQUIRE(experts[i] != experts[j] || experts[i] == -1);
    REQUIRE(!(weights[i] < 0));
  }
}

static void check_routing(hr_model *model) {
  for (int32_t layer = -1; layer <= hr_model_config(model)->layers; layer++) {
    hr_routing routing;
    double similarity;
    const hr_status status = hr_model_routing(model, layer, &routing);
    if (status != HR_OK) {
      REQUIRE(hr_model_expert_similarity(model, layer, &similarity) == status);
      continue;
    }
    REQUIRE(routing.experts_count == hr_model_config(model)->experts);
    int64_t assigned = 0, listed = 0;
    for (int32_t e = 0; e < routing.experts_count; e++) {
      REQUIRE(routing.dropped[e] >= 0 && routing.counts[e] >= routing.dropped[e]);
      assigned += routing.counts[e];
    }
    for (int32_t token = 0; token < routing.tokens; token++) {
      check_token(&routing, token);
      for (int32_t i = 0; i < routing.top_k; i++) listed += routing.experts[token * routing.top_k + i] >= 0;
    }
    REQUIRE(assigned == listed);
    if (isfinite(routing.entropy)) REQUIRE(routing.entropy > -0.01 && routing.entropy < 1.01);
    REQUIRE(hr_model_expert_similarity(model, layer, &similarity) == HR_OK);
    if (isfinite(similarity)) REQUIRE(fabs(similarity) < 1.01);
  }
}

/* ----------------------------------------------------------------------------------------------------------- calls */

static const double RATES[] = {0,    1e-3,     1,   1e30, 1e10, 1e-30, 3e-3, 1e31,
                               -1.0, INFINITY, NAN, 1e5,  0.1,  10,    100,  0x1p-1074};
static const hr_real SPECIAL[] = {0,        -0.0F,  1,      -1,    INFINITY, -INFINITY, NAN, 3.4e38F,
                                  -3.4e38F, 1e-38F, 1e-45F, 1e20F, -1e20F,   88,        710, 1e10F};

static bool is_language_model(const run *self) {
  return self->config->kind == HR_LANGUAGE_MODEL;
}

static uint32_t next(run *self) {
  self->random = self->random * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(self->random >> 33);
}

static int32_t *new_ids(run *self, int32_t count, int32_t limit, uint32_t pattern) {
  int32_t *ids = malloc((size_t)count * sizeof *ids);
  for (int32_t i = 0; i < count; i++) {
    ids[i] = pattern < 30 ? 0 : pattern < 60 ? limit - 1 : (int32_t)(next(self) % (uint32_t)limit);
  }
  if (pattern >= 250 && count > 0) ids[next(self) % (uint32_t)count] = (int32_t)input_u32(self->in);
  return ids;
}

static hr_real *new_features(run *self, int32_t count, uint32_t pattern) {
  hr_real *features = malloc((size_t)count * sizeof *features);
  for (int32_t i = 0; i < count; i++) {
    const uint32_t bits = next(self);
    features[i] = pattern < 40 ? SPECIAL[bits % 16] : (hr_real)((double)bits / (1u << 30) - 1);
  }
  return features;
}

static int32_t at_most(int32_t limit) {
  return limit < SIZE_LIMIT ? limit : SIZE_LIMIT;
}

/* Arrays of exactly the size of the batch, so that the sanitizer sees a step over their edge. All that any kind of model
 * reads, but for lengths: where they are given, tokens stand without padding. To be freed. */
static hr_batch new_batch(run *self) {
  const hr_config *c = self->config;
  const int32_t batch = 1 + input_below(self->in, at_most(c->batch_size));
  const int32_t length = 1 + input_below(self->in, at_most(c->context_length));
  const bool carry = input_below(self->in, 2);
  const int32_t pattern = (int32_t)input_byte(self->in);
  const bool sequences = c->kind == HR_TEXT_CLASSIFIER && pattern % 4 > 0;
  int32_t *lengths = sequences ? malloc((size_t)batch * sizeof *lengths) : NULL;
  int32_t n = sequences ? 0 : batch * length;
  for (int32_t b = 0; sequences && b < batch; b++)
    n += lengths[b] = 1 + (int32_t)(next(self) % (uint32_t)length);
  const int32_t outputs = hr_model_columns(self->model);
  hr_batch made = {.tokens = new_ids(self, n, c->vocab_size, (uint32_t)pattern),
                   .lengths = lengths,
                   .features = new_features(self, batch * c->input_size, (uint32_t)pattern),
                   .targets = new_ids(self, n, outputs, (uint32_t)pattern ^ 1),
                   .values = new_features(self, batch * outputs, (uint32_t)pattern ^ 1),
                   .batch = batch,
                   .length = length,
                   .carry_memory = carry};
  if (pattern == 249) made.batch = (int32_t)input_u32(self->in) | (1 << 30);
  if (pattern == 248) made.length = -input_below(self->in, 200);
  if (pattern == 247 && lengths) lengths[0] = (int32_t)input_u32(self->in) | (1 << 30);
  return made;
}

static void free_batch(hr_batch *batch) {
  free((void *)batch->tokens);
  free((void *)batch->features);
  free((void *)batch->targets);
  free((void *)batch->lengths);
  free((void *)batch->values);
}

/* A training step, in one call or, as for a custom router, in two halves. */
static hr_status step(hr_model *model, const hr_batch *batch, double rate, double clip, bool halves,
                      hr_result *result) {
  if (!halves) return hr_model_train_step(model, batch, rate, clip, result);
  const hr_status status = hr_model_backward(model, batch, result);
  return status == HR_OK ? hr_model_finish_step(model, rate, clip, result) : status;
}

static void train_step(run *self, const hr_batch *batch) {
  const double rate = RATES[input_below(self->in, 16)], clip = RATES[input_below(self->in, 16)];
  const bool halves = input_below(self->in, 4) == 0;
  const int64_t before = hr_model_step(self->model);
  const uint64_t state = digest(self->model);
  hr_result result;
  const hr_status status = step(self->model, batch, rate, clip, halves, &result);
  if (status != HR_OK) REQUIRE(digest(self->model) == state);
  if (status == HR_OK) REQUIRE(hr_model_step(self->model) == before + 1);
  if (status == HR_OK) REQUIRE(isfinite(result.loss) && isfinite(result.grad_norm));
}

static void pass(run *self, const hr_batch *batch) {
  hr_result result;
  const int32_t way = input_below(self->in, 4);
  const uint64_t state = digest(self->model);
  const hr_status status = way == 0   ? hr_model_gradients(self->model, batch, &result)
                           : way == 1 ? hr_model_evaluate(self->model, batch, &result)
                           : way == 2 ? hr_model_backward(self->model, batch, &result)
                                      : hr_model_predict(self->model, batch);
  if (way == 2 && input_below(self->in, 2)) (void)hr_model_finish_gradients(self->model, &result);
  if (way < 3 && status == HR_OK) REQUIRE(isfinite(result.loss));
  REQUIRE(digest(self->model) == state);
}

static void write_parameter(run *self) {
  hr_parameter *parameter =
      hr_model_parameter(self->model, input_below(self->in, hr_model_parameter_count(self->model) + 1));
  const uint32_t way = input_byte(self->in);
  if (!parameter) return;
  for (int32_t i = 0; i < parameter->size; i++) {
    if (way >= 128)
      parameter->data[i] *= way < 200 ? 100.0F : 1e6F;
    else if ((uint32_t)i % 7 == way % 7)
      parameter->data[i] = SPECIAL[way % 16];
  }
  hr_model_invalidate(self->model);
}

static void set_memory(run *self) {
  const int32_t length = input_below(self->in, 16), batch = input_below(self->in, 8);
  if (is_language_model(self) && self->config->memory_length > 0 && input_below(self->in, 4) == 0)
    hr_model_memory(self->model, 0)[0] = SPECIAL[input_below(self->in, 16)];
  (void)hr_model_set_memory(self->model, length, batch);
}

static hr_status sample(run *self, uint64_t *state, int32_t *token) {
  static const double HEAT[] = {0, 1, 1e-300, 1e300, 0.5, 0x1p-1074, INFINITY, NAN};
  static const double SHARE[] = {1, 0.5, 0x1p-1074, 0.9999, 1e-3, 0, 1.5, NAN};
  const double temperature = HEAT[input_below(self->in, 8)], top_p = SHARE[input_below(self->in, 8)];
  const int32_t ids[] = {0, self->config->vocab_size - 1, (int32_t)input_below(self->in, 64)};
  const hr_sampling sampling = {.temperature = temperature,
                                .top_p = top_p,
                                .top_tokens =
                                    1 + input_below(self->in, 42) - (int32_t)input_below(self->in, 2),
                                .repetition_penalty = RATES[input_below(self->in, 16)],
                                .repeated = ids,
                                .repeated_count = input_below(self->in, 4)};
  return hr_generation_sample(self->model, &sampling, state, token);
}

static void generate(run *self) {
  const int32_t count = input_below(self->in, 20);
  int32_t *tokens =
      new_ids(self, count, is_language_model(self) ? self->config->vocab_size : 1, input_byte(self->in));
  if (input_below(self->in, 2)) (void)hr_generation_begin(self->model, (int32_t)input_byte(self->in));
  const hr_status fed = hr_generation_feed(self->model, tokens, count);
  REQUIRE(fed == HR_OK || fed == HR_ERROR_ARGUMENT);
  free(tokens);
  for (int32_t i = 0; i < 3; i++) {
    int32_t token = -1;
    if (sample(self, &self->random, &token) != HR_OK) return;
    REQUIRE(token >= 0 && token < self->config->vocab_size);
    (void)hr_generation_feed(self->model, &token, 1);
    const hr_real *probabilities = hr_generation_probabilities(self->model);
    for (int32_t id = 0; probabilities && id < self->config->vocab_size; id++)
      REQUIRE(!(probabilities[id] < 0 || probabilities[id] > 1.0001F));
  }
}

static void read_results(run *self) {
  int32_t rows, same;
  const hr_real *logits = hr_model_logits(self->model, &rows);
  const hr_real *probabilities = hr_model_probabilities(self->model, &same);
  bool finite = true;
  for (int32_t i = 0; i < rows * hr_model_columns(self->model); i++) finite = finite && isfinite(logits[i]);
  for (int32_t i = 0; finite && probabilities && i < rows * hr_model_columns(self->model); i++)
    REQUIRE(probabilities[i] >= 0 && probabilities[i] < 1.0001F);
  int32_t tokens;
  for (int32_t layer = -1; layer <= self->config->layers; layer++) {
    const hr_real *hidden = hr_model_hidden(self->model, layer, &tokens);
    REQUIRE((hidden == NULL) == (layer < 0));
    if (hidden && tokens > 0) self->random += isfinite(hidden[tokens * self->config->d_model - 1]) != 0;
  }
  check_routing(self->model);
}

/* -------------------------------------------------------------------------------------------------- saved state */

static void copy_state(hr_model *to, hr_model *from) {
  const hr_config *c = hr_model_config(from);
  for (int32_t i = 0; i < hr_model_parameter_count(from); i++) {
    const hr_parameter *source = hr_model_parameter(from, i), *target = hr_model_parameter(to, i);
    const size_t bytes = (size_t)source->size * sizeof(hr_real);
    memcpy(target->data, source->data, bytes);
    if (source->m) memcpy(target->m, source->m, bytes);
    if (source->v) memcpy(target->v, source->v, bytes);
  }
  hr_model_invalidate(to);
  REQUIRE(hr_model_set_step(to, hr_model_step(from)) == HR_OK);
  REQUIRE(hr_model_set_top_k(to, hr_model_top_k(from)) == HR_OK);
  REQUIRE(hr_model_set_sparsity_weight(to, hr_model_sparsity_weight(from)) == HR_OK);
  if (c->kind != HR_LANGUAGE_MODEL || c->memory_length == 0) return;
  const size_t rows = (size_t)hr_model_memory_batch(from) * (size_t)c->memory_length * (size_t)c->d_model;
  for (int32_t layer = 0; layer < c->layers; layer++)
    memcpy(hr_model_memory(to, layer), hr_model_memory(from, layer), rows * sizeof(hr_real));
  REQUIRE(hr_model_set_memory(to, hr_model_memory_length(from), hr_model_memory_batch(from)) == HR_OK);
}

/* A model that gets all that is saved of another one takes the same steps. */
static void resume(run *self) {
  hr_model *twin;
  if (hr_model_create(&twin, self->given, NULL) != HR_OK) return;
  /* What is set for a call is not saved. */
  (void)hr_model_set_class_weights(self->model, NULL);
  (void)hr_model_set_head_only(self->model, false);
  (void)hr_model_set_head_rate(self->model, -1);
  copy_state(twin, self->model);
  for (int32_t i = 0; i < 2; i++) {
    hr_batch batch = new_batch(self);
    hr_result a = {0}, b = {0};
    const hr_status status = hr_model_train_step(self->model, &batch, 1e-3, 0.25, &a);
    REQUIRE(hr_model_train_step(twin, &batch, 1e-3, 0.25, &b) == status);
    if (status == HR_OK) REQUIRE(memcmp(&a, &b, sizeof a) == 0);
    REQUIRE(digest(self->model) == digest(twin));
    free_batch(&batch);
  }
  hr_model_destroy(twin);
}

static void set_head(run *self) {
  const int32_t classes = hr_model_columns(self->model);
  hr_real *weights = new_features(self, classes, input_byte(self->in));
  (void)hr_model_set_class_weights(self->model, input_below(self->in, 3) ? weights : NULL);
  free(weights);
  (void)hr_model_set_head_only(self->model, input_below(self->in, 2));
  (void)hr_model_set_head_rate(self->model, RATES[input_below(self->in, 16)]);
}

static void with_batch(run *self, void (*call)(run *, const hr_batch *)) {
  hr_batch batch = new_batch(self);
  call(self, &batch);
  free_batch(&batch);
}

static void call(run *self) {
  switch (input_below(self->in, 13)) {
  case 0:
  case 1:
    with_batch(self, train_step);
    break;
  case 2:
  case 3:
    with_batch(self, pass);
    break;
  case 4:
    (void)hr_model_set_top_k(self->model, input_below(self->in, 16));
    break;
  case 5:
    write_parameter(self);
    break;
  case 6:
    hr_model_reset_memory(self->model);
    break;
  case 7:
    set_memory(self);
    break;
  case 8:
    generate(self);
    break;
  case 9:
    read_results(self);
    break;
  case 10:
    resume(self);
    break;
  case 11:
    set_head(self);
    break;
  default:
    (void)hr_model_set_step(self->model,
                            input_below(self->in, 2) ? INT64_MAX >> 10 : (int64_t)input_u32(self->in));
    (void)hr_model_set_sparsity_weight(self->model, RATES[input_below(self->in, 16)]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, data + size};
  hr_config config;
  const bool valid = configure(&in, &config);
  hr_parameter described;
  (void)hr_config_parameter(&config, (int32_t)input_below(&in, 40) - 1, &described);
  run self = {.in = &in, .given = &config, .random = input_byte(&in)};
  uint64_t bytes = 0;
  most_bytes = MEMORY_LIMIT;
  const hr_status status = hr_model_create(&self.model, &config, &bytes);
  most_bytes = SIZE_MAX;
  if (status != HR_OK) {
    REQUIRE(status == (valid ? HR_ERROR_MEMORY : HR_ERROR_ARGUMENT));
    return 0;
  }
  REQUIRE(valid && bytes <= MEMORY_LIMIT);
  self.config = hr_model_config(self.model);
  for (int32_t calls = 0; calls < CALLS && in.at < in.end; calls++) call(&self);
  hr_model_destroy(self.model);
  return 0;
}
