#include "testing.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_PRINTED = 20 };

static int64_t checks, failures;
static char context[256];

static bool count(bool ok, const char *file, int line) {
  checks++;
  if (ok) return false;
  failures++;
  if (failures == MOST_PRINTED + 1) printf("... and more\n");
  if (failures > MOST_PRINTED) return false;
  printf("%s:%d: %s%s", file, line, context, context[0] ? ": " : "");
  return true;
}

void test_check(bool ok, const char *file, int line, const char *format, ...) {
  if (!count(ok, file, line)) return;
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf(" -- does not hold\n");
}

void test_check_int(int64_t got, int64_t expected, const char *what, const char *file, int line) {
  if (count(got == expected, file, line)) {
    printf("%s is %lld, expected %lld\n", what, (long long)got, (long long)expected);
  }
}

void test_check_near(double got, double expected, double tolerance, const char *what, const char *file,
                     int line) {
  if (count(fabs(got - expected) <= tolerance, file, line)) {
    printf("%s is %.17g, expected %.17g, which is off by %.3g, more than %.3g\n", what, got, expected,
           fabs(got - expected), tolerance);
  }
}

void test_context(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(context, sizeof context, format, arguments);
  va_end(arguments);
}

int64_t test_failures(void) {
  return failures;
}

int test_report(const char *name) {
  printf("%s: %lld checks, %lld failed\n", name, (long long)checks, (long long)failures);
  if (checks == 0) printf("%s checked nothing\n", name);
  fflush(stdout);
  return failures > 0 || checks == 0;
}

/* ---------------------------------------------------------------------------------------- random numbers */

static uint64_t state = 88172645463325252u;

static uint64_t next(void) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1du;
}

void random_seed(uint64_t seed) {
  state = seed * 0x9e3779b97f4a7c15u + 88172645463325252u;
  if (state == 0) state = 1;
  for (int i = 0; i < 8; i++) next();
}

double random_uniform(void) {
  return ((double)(next() >> 11) + 0.5) * 0x1p-53;
}

double random_normal(void) {
  return sqrt(-2 * log(random_uniform())) * cos(6.283185307179586 * random_uniform());
}

int32_t random_below(int32_t limit) {
  return (int32_t)(random_uniform() * limit);
}

void random_tokens(int32_t *tokens, int32_t n, int32_t vocab_size) {
  for (int32_t i = 0; i < n; i++) tokens[i] = random_below(vocab_size);
}

/* ------------------------------------------------------------------------------------------------ arrays */

static void *exactly(int64_t n, size_t size) {
  void *memory = malloc((size_t)n * size);
  if (!memory && n > 0) {
    printf("no memory for %lld numbers\n", (long long)n);
    exit(2);
  }
  return memory;
}

hr_real *new_reals(int64_t n) {
  return exactly(n, sizeof(hr_real));
}

int32_t *new_ints(int64_t n) {
  return exactly(n, sizeof(int32_t));
}

hr_real *new_normal(int64_t n, double deviation) {
  hr_real *x = new_reals(n);
  for (int64_t i = 0; i < n; i++) x[i] = (hr_real)(deviation * random_normal());
  return x;
}

double largest_difference(const hr_real *a, const hr_real *b, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) {
    const double difference = fabs((double)a[i] - (double)b[i]);
    if (!(difference <= most)) most = difference;
    if (isnan(most)) return most;
  }
  return most;
}

double largest(const hr_real *a, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)a[i]));
  return most;
}

bool same_bits(const hr_real *a, const hr_real *b, int64_t n) {
  return n == 0 || memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

/* ------------------------------------------------------------------------------------------------ models */

static void add_router_tensors(hr_config *config) {
  static const hr_router_tensor TENSORS[] = {{"u", {4, 3}, 1, 0, 0.02}, {"fixed.offset", {5}, 0, 0, 0}};
  if (!(router_option(config->router)->traits & HR_TRAIT_EXTERNAL)) return;
  config->router_tensors = TENSORS;
  config->router_tensor_count = sizeof TENSORS / sizeof *TENSORS;
}

hr_config small_language_model(int32_t router, bool pre_layer_norm) {
  hr_config config;
  hr_config_default(&config, HR_LANGUAGE_MODEL);
  config.vocab_size = 11;
  config.layers = 2;
  config.heads = 3;
  config.d_model = 10;
  config.d_head = 5;
  config.d_inner = 7;
  config.experts = 5;
  config.top_k = 2;
  config.router = router;
  config.hyper_size = 9;
  config.context_length = 6;
  config.memory_length = 7;
  config.batch_size = 3;
  config.pre_layer_norm = pre_layer_norm;
  add_router_tensors(&config);
  return config;
}

hr_config small_classifier(int32_t router) {
  hr_config config;
  hr_config_default(&config, HR_CLASSIFIER);
  config.input_size = 5;
  config.classes = 3;
  config.layers = 2;
  config.d_model = 9;
  config.d_inner = 7;
  config.experts = 5;
  config.top_k = 2;
  config.router = router;
  config.hyper_size = 6;
  config.batch_size = 13;
  add_router_tensors(&config);
  return config;
}

hr_config small_text_classifier(int32_t router, bool pre_layer_norm) {
  hr_config config = small_language_model(router, pre_layer_norm);
  config.kind = HR_TEXT_CLASSIFIER;
  config.classes = 3;
  config.head_dropout = 0;
  return config;
}

hr_config small_regressor(int32_t router) {
  hr_config config = small_classifier(router);
  config.kind = HR_REGRESSOR;
  config.outputs = 4;
  return config;
}

bool reads_tokens(int32_t kind) {
  return kind == HR_LANGUAGE_MODEL || kind == HR_TEXT_CLASSIFIER;
}

/* The option of a field that chooses; NULL past the last. */
static const hr_option *option_of(const char *name, int32_t index) {
  for (int32_t i = 0; i < hr_config_field_count(); i++) {
    const hr_field *field = hr_config_field(i);
    if (strcmp(field->name, name) == 0) return field->option(index);
  }
  printf("there is no field %s\n", name);
  exit(2);
}

static int32_t count_options(const char *field) {
  int32_t count = 0;
  while (option_of(field, count)) count++;
  return count;
}

static int32_t option_named(const char *field, const char *name) {
  for (int32_t i = 0; option_of(field, i); i++) {
    if (strcmp(option_of(field, i)->name, name) == 0) return i;
  }
  printf("there is no %s %s\n", field, name);
  exit(2);
}

const hr_option *router_option(int32_t router) {
  return option_of("router", router);
}

int32_t router_count(void) {
  return count_options("router");
}

const char *router_name(int32_t router) {
  return router_option(router)->name;
}

bool router_routes(int32_t router) {
  return router_option(router)->traits & HR_TRAIT_ROUTES;
}

int32_t router_named(const char *name) {
  return option_named("router", name);
}

bool router_fits(int32_t router, hr_kind kind) {
  const int32_t kinds = router_option(router)->kinds;
  return kinds == 0 || kinds & (1 << kind);
}

int32_t gate_count(void) {
  return count_options("gate");
}

const char *gate_name(int32_t gate) {
  return option_of("gate", gate)->name;
}

int32_t gate_named(const char *name) {
  return option_named("gate", name);
}

hr_model *new_model(const hr_config *config) {
  hr_model *model;
  uint64_t bytes;
  hr_status status = hr_model_create(&model, config, &bytes);
  if (status != HR_OK) {
    printf("%s: a model of %llu bytes could not be created: status %d\n", context, (unsigned long long)bytes,
           (int)status);
    exit(2);
  }
  return model;
}

hr_parameter *find_parameter(hr_model *model, const char *name) {
  for (int32_t i = 0; i < hr_model_parameter_count(model); i++) {
    hr_parameter *parameter = hr_model_parameter(model, i);
    if (strcmp(parameter->name, name) == 0) return parameter;
  }
  return NULL;
}

static bool ends_with(const char *text, const char *end) {
  const size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

void randomise_tensor(hr_parameter *parameter) {
  /* About 1 / sqrt(inputs), so that what goes through keeps its size. */
  const int32_t inputs = parameter->shape[parameter->rank - 1];
  double mean = 0, deviation = parameter->rank == 1 ? 0.3 : 1 / sqrt((double)inputs);
  if (ends_with(parameter->name, "gate.embedding")) deviation = 1;
  if (ends_with(parameter->name, "bias")) deviation = 0.3;
  if (ends_with(parameter->name, "layer_norm.weight")) mean = 1;
  for (int32_t i = 0; i < parameter->size; i++) {
    parameter->data[i] = (hr_real)(mean + deviation * random_normal());
  }
}

void randomise_parameters(hr_model *model, uint64_t seed) {
  random_seed(seed);
  for (int32_t i = 0; i < hr_model_parameter_count(model); i++)
    randomise_tensor(hr_model_parameter(model, i));
  hr_model_invalidate(model);
}

static uint64_t hash(uint64_t so_far, const void *data, size_t size) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; i++) so_far = (so_far ^ bytes[i]) * 0x100000001b3u;
  return so_far;
}

hr_status draw_token(hr_model *model, double temperature, double top_p, uint64_t *random, int32_t *token) {
  const hr_sampling sampling = {.temperature = temperature,
                                .top_p = top_p,
                                .top_tokens = hr_model_config(model)->vocab_size,
                                .repetition_penalty = 1};
  return hr_generation_sample(model, &sampling, random, token);
}

uint64_t fingerprint(hr_model *model) {
  const hr_config *config = hr_model_config(model);
  uint64_t mark = 0xcbf29ce484222325u;
  for (int32_t i = 0; i < hr_model_parameter_count(model); i++) {
    const hr_parameter *parameter = hr_model_parameter(model, i);
    const size_t bytes = (size_t)parameter->size * sizeof(hr_real);
    mark = hash(mark, parameter->data, bytes);
    if (parameter->role == HR_TRAINED) {
      mark = hash(mark, parameter->m, bytes);
      mark = hash(mark, parameter->v, bytes);
    }
  }
  const int64_t numbers[] = {hr_model_step(model), hr_model_top_k(model), hr_model_memory_length(model),
                             hr_model_memory_batch(model)};
  mark = hash(mark, numbers, sizeof numbers);
  const size_t stream = (size_t)config->memory_length * (size_t)config->d_model * sizeof(hr_real);
  for (int32_t layer = 0; layer < config->layers; layer++) {
    const hr_real *memory = hr_model_memory(model, layer);
    if (memory) mark = hash(mark, memory, (size_t)config->batch_size * stream);
  }
  return mark;
}

sample new_sample(hr_model *model, uint64_t seed) {
  const hr_config *c = hr_model_config(model);
  const bool language = c->kind == HR_LANGUAGE_MODEL, tokens = reads_tokens(c->kind);
  const int32_t n = c->batch_size * c->context_length;
  random_seed(seed);
  sample self = {.tokens = new_ints(n), .targets = new_ints(n), .lengths = new_ints(c->batch_size)};
  self.features = new_normal((int64_t)n * c->input_size, 1);
  random_tokens(self.tokens, n, c->vocab_size);
  random_tokens(self.targets, n, language ? c->vocab_size : c->classes);
  self.values = new_normal((int64_t)n * c->outputs, 1);
  random_tokens(self.lengths, c->batch_size, c->context_length);
  for (int32_t b = 0; b < c->batch_size; b++) self.lengths[b]++;
  self.batch = (hr_batch){.tokens = tokens ? self.tokens : NULL,
                          .lengths = c->kind == HR_TEXT_CLASSIFIER ? self.lengths : NULL,
                          .features = tokens ? NULL : self.features,
                          .targets = self.targets,
                          .values = self.values,
                          .batch = c->batch_size,
                          .length = c->context_length,
                          .carry_memory = true};
  return self;
}

void free_sample(sample *self) {
  free(self->tokens);
  free(self->lengths);
  free(self->targets);
  free(self->features);
  free(self->values);
}

void train_steps(hr_model *model, int32_t from, int32_t to) {
  for (int32_t step = from; step < to; step++) {
    sample data = new_sample(model, (uint64_t)step);
    hr_result result;
    CHECK_OK(hr_model_train_step(model, &data.batch, 0.01, 0.5, &result));
    CHECK_INT(hr_model_step(model), step + 1);
    free_sample(&data);
  }
}
