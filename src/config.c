/* Configuration: every field with its meaning, default and limits, and the rules between fields. */
#include "gate.h"
#include "hyperrouter.h"
#include "router.h"

enum {
  LANGUAGE = 1 << HR_LANGUAGE_MODEL,
  TEXT = LANGUAGE | 1 << HR_TEXT_CLASSIFIER,
  CLASSES = 1 << HR_CLASSIFIER | 1 << HR_TEXT_CLASSIFIER,
  NUMBERS = 1 << HR_REGRESSOR,
  VECTORS = 1 << HR_CLASSIFIER | NUMBERS,
  ALL = TEXT | VECTORS
};

#define AT(member) (int32_t) offsetof(hr_config, member)

static const char *const TRAITS[] = {
    "routes",   "learns",     "hypernetwork",  "matrix",         "projection", "scale",
    "gated",    "topK",       "varies",        "sparsity",       "sigmoid",    "tokens",
    "external", "normalised", "probabilities", "differentiable", "amongTokens"};

const char *hr_trait_name(int32_t index) {
  return index >= 0 && index < (int32_t)(sizeof TRAITS / sizeof *TRAITS) ? TRAITS[index] : NULL;
}

static const hr_option *router_option(int32_t index) {
  const hr_router_type *type = hr_router_at(index);
  return type ? &type->option : NULL;
}

static const hr_option *gate_option(int32_t index) {
  const hr_gate_type *type = hr_gate_at(index);
  return type ? &type->option : NULL;
}

/* In the order of hr_field; what else a field has follows by name. */
#define FIELD(name_, summary_, type_, member, kinds_, shapes_, initial_, minimum_, maximum_, ...)            \
  {                                                                                                          \
    .name = name_, .summary = summary_, .type = HR_##type_, .offset = AT(member), .kinds = kinds_,           \
    .shapes = shapes_, .initial = initial_, .minimum = minimum_, .maximum = maximum_, __VA_ARGS__            \
  }

static const hr_field FIELDS[] = {
    FIELD("vocabSize", "Number of different tokens; 256 for bytes.", INTEGER, vocab_size, TEXT, 1, 256, 1,
          1 << 20),
    FIELD("inputSize", "Numbers in one input vector.", INTEGER, input_size, VECTORS, 1, 2, 1, 1 << 20),
    FIELD("classes", "Number of classes.", INTEGER, classes, CLASSES, 1, 2, 2, 1 << 20),
    FIELD("outputs", "Numbers in one output of a regressor.", INTEGER, outputs, NUMBERS, 1, 1, 1, 1 << 20),
    FIELD("layers", "Number of layers.", INTEGER, layers, ALL, 1, 2, 1, 128),
    FIELD("heads", "Attention heads per layer.", INTEGER, heads, TEXT, 1, 4, 1, 1024),
    FIELD("dModel", "Width of the model; even for models of text.", INTEGER, d_model, ALL, 1, 64, 1, 1 << 14),
    FIELD("dHead", "Width of an attention head.", INTEGER, d_head, TEXT, 1, 16, 1, 4096),
    FIELD("dInner", "Hidden width of an expert.", INTEGER, d_inner, ALL, 1, 128, 1, 1 << 16),
    FIELD("experts", "Experts per layer.", INTEGER, experts, ALL, 1, 8, 1, 1024),
    FIELD("topK", "Experts per token, 1 to experts.", INTEGER, top_k, ALL, 0, 2, 1, 1024,
          .needs = HR_TRAIT_ROUTES),
    FIELD("router", "Where the router logits come from.", CHOICE, router, ALL, 1, 0, 0, 0,
          .option = router_option),
    FIELD("gate", "How experts and their weights are chosen from the router logits.", CHOICE, gate, ALL, 0, 0,
          0, 0, .needs = HR_TRAIT_GATED, .strict = 1, .option = gate_option),
    FIELD("hyperSize", "Hidden width of the frozen hypernetwork.", INTEGER, hyper_size, ALL, 1, 64, 1,
          1 << 16, .needs = HR_TRAIT_HYPERNETWORK),
    FIELD("routerSize", "Width of the projection that the cosine router compares.", INTEGER, router_size, ALL,
          1, 32, 1, 1 << 14, .needs = HR_TRAIT_PROJECTION),
    FIELD("routerScale", "Factor on the router's initial values.", NUMBER, router_scale, ALL, 0, 1, 0, 1e3,
          .needs = HR_TRAIT_SCALE, .strict = 1),
    FIELD("routerNoise", "Trained noise on the router logits in training (noisy top-k).", BOOLEAN,
          router_noise, ALL, 1, 0, 0, 1, .needs = HR_TRAIT_MATRIX, .strict = 1),
    FIELD("sharedExperts",
          "Shared experts: one network of width sharedExperts x dInner that every token has.", INTEGER,
          shared_experts, ALL, 1, 0, 0, 1024, .needs = HR_TRAIT_ROUTES, .strict = 1),
    FIELD("capacityFactor",
          "Capacity of an expert, as a multiple of an even share of the assignments; the rest is dropped. 0: "
          "no "
          "limit.",
          NUMBER, capacity_factor, ALL, 0, 0, 0, 1e6, .needs = HR_TRAIT_ROUTES | HR_TRAIT_TOP_K, .strict = 1),
    FIELD("balanceRate", "Step of the bias that balances the load without a loss. 0: off.", NUMBER,
          balance_rate, ALL, 0, 0, 0, 1, .needs = HR_TRAIT_GATED | HR_TRAIT_TOP_K, .strict = 1),
    FIELD("sparsityWeight",
          "Initial weight of the sparsity loss, which steers the experts per token to topK. 0: off.", NUMBER,
          sparsity_weight, ALL, 0, 0, 0, 1e6, .needs = HR_TRAIT_SPARSITY, .strict = 1),
    FIELD("contextLength", "Longest segment or sequence, in tokens.", INTEGER, context_length, TEXT, 0, 64, 1,
          1 << 16),
    FIELD("memoryLength", "Tokens of Transformer-XL memory before a segment.", INTEGER, memory_length,
          LANGUAGE, 0, 64, 0, 1 << 16),
    FIELD("batchSize", "Largest batch: parallel streams, sequences or input vectors.", INTEGER, batch_size,
          ALL, 0, 16, 1, 1 << 20),
    FIELD("preLayerNorm", "Layer norm before each sublayer instead of after it.", BOOLEAN, pre_layer_norm,
          ALL, 1, 0, 0, 1),
    FIELD("dropout", "Probability of dropping an activation in training.", NUMBER, dropout, ALL, 0, 0, 0, 1,
          .open = 1),
    FIELD("attentionDropout", "Probability of dropping an attention weight in training.", NUMBER,
          attention_dropout, TEXT, 0, 0, 0, 1, .open = 1),
    FIELD("headDropout", "Probability of dropping an activation of the head in training.", NUMBER,
          head_dropout, 1 << HR_TEXT_CLASSIFIER, 0, 0.1, 0, 1, .open = 1),
    FIELD("loadBalanceWeight", "Weight of the load-balancing loss.", NUMBER, load_balance_weight, ALL, 0, 0,
          0, 1e6, .needs = HR_TRAIT_LEARNS | HR_TRAIT_TOP_K, .strict = 1),
    FIELD("routerZWeight", "Weight of the router z-loss.", NUMBER, router_z_weight, ALL, 0, 0, 0, 1e6,
          .needs = HR_TRAIT_LEARNS | HR_TRAIT_TOP_K, .strict = 1),
    FIELD("beta1", "Adam's decay of the first moment.", NUMBER, beta1, ALL, 0, 0.9, 0, 1, .open = 1),
    FIELD("beta2", "Adam's decay of the second moment.", NUMBER, beta2, ALL, 0, 0.999, 0, 1, .open = 1),
    FIELD("epsilon", "Added to Adam's denominator.", NUMBER, epsilon, ALL, 0, 1e-8, 1e-30, 1),
    FIELD("weightDecay", "Decoupled weight decay (AdamW).", NUMBER, weight_decay, ALL, 0, 0, 0, 1e3),
    FIELD("seed", "Seed of the initial values and of dropout.", SEED, seed, ALL, 0, 1, 0, 4294967295.0),
};

enum { FIELD_COUNT = sizeof FIELDS / sizeof *FIELDS };

int32_t hr_config_field_count(void) {
  return FIELD_COUNT;
}

const hr_field *hr_config_field(int32_t index) {
  return index >= 0 && index < FIELD_COUNT ? &FIELDS[index] : NULL;
}

static double get(const hr_config *config, const hr_field *field) {
  const char *at = (const char *)config + field->offset;
  double number;
  int32_t integer;
  uint32_t seed;
  switch (field->type) {
  case HR_NUMBER:
    memcpy(&number, at, sizeof number);
    return number;
  case HR_SEED:
    memcpy(&seed, at, sizeof seed);
    return seed;
  default:
    memcpy(&integer, at, sizeof integer);
    return integer;
  }
}

/* For values that fit the field's type, as its default and its minimum do. */
static void set(hr_config *config, const hr_field *field, double value) {
  char *at = (char *)config + field->offset;
  int32_t integer = (int32_t)value;
  if (field->type == HR_NUMBER) {
    memcpy(at, &value, sizeof value);
  } else {
    memcpy(at, &integer, sizeof integer);
  }
}

static bool belongs(const hr_field *field, const hr_config *config) {
  return field->kinds & (1 << config->kind);
}

void hr_config_normalise(hr_config *config) {
  for (int32_t i = 0; i < FIELD_COUNT; i++) {
    if (!belongs(&FIELDS[i], config)) set(config, &FIELDS[i], FIELDS[i].minimum);
  }
}

void hr_config_default(hr_config *config, hr_kind kind) {
  memset(config, 0, sizeof *config);
  for (int32_t i = 0; i < FIELD_COUNT; i++) set(config, &FIELDS[i], FIELDS[i].initial);
  config->kind = (int32_t)kind;
}

static int32_t index_of(int32_t offset) {
  for (int32_t i = 0; i < FIELD_COUNT; i++) {
    if (FIELDS[i].offset == offset) return i;
  }
  return -1;
}

static hr_status refuse(hr_config_error *error, hr_config_error what) {
  if (error) *error = what;
  return HR_ERROR_ARGUMENT;
}

static hr_status refuse_range(hr_config_error *error, int32_t field, double minimum, double maximum) {
  return refuse(error, (hr_config_error){field, HR_RULE_RANGE, minimum, maximum, -1, 0});
}

static int32_t option_count(const hr_field *field) {
  int32_t count = 0;
  while (field->option(count)) count++;
  return count;
}

/* Whether a custom router declares a tensor that training changes. */
static bool trains_tensor(const hr_config *config) {
  for (int32_t i = 0; i < config->router_tensor_count; i++) {
    if (config->router_tensors[i].trained) return true;
  }
  return false;
}

/* The traits of everything that is chosen. */
static int32_t chosen_traits(const hr_config *config) {
  int32_t traits = 0;
  for (int32_t i = 0; i < FIELD_COUNT; i++) {
    const hr_field *field = &FIELDS[i];
    if (field->option && belongs(field, config)) traits |= field->option((int32_t)get(config, field))->traits;
  }
  if ((traits & HR_TRAIT_EXTERNAL) && !trains_tensor(config)) traits &= ~(int32_t)HR_TRAIT_LEARNS;
  return traits;
}

/* The choice that one of whose options has the trait. */
static int32_t choice_with(int32_t trait) {
  for (int32_t i = 0; i < FIELD_COUNT; i++) {
    for (int32_t o = 0; FIELDS[i].option && FIELDS[i].option(o); o++) {
      if (FIELDS[i].option(o)->traits & trait) return i;
    }
  }
  return -1;
}

static hr_status check_needs(const hr_config *config, hr_config_error *error) {
  const int32_t traits = chosen_traits(config);
  for (int32_t i = 0; i < FIELD_COUNT; i++) {
    const hr_field *field = &FIELDS[i];
    const int32_t missing = field->needs & ~traits, trait = missing & -missing;
    if (!field->strict || !missing || !belongs(field, config)) continue;
    const double value = get(config, field);
    if (value < field->initial || value > field->initial)
      return refuse(error, (hr_config_error){i, HR_RULE_NEEDS, field->initial, field->initial,
                                             choice_with(trait), trait});
  }
  return HR_OK;
}

/* Tensors that a layer may have beside those of a custom router, and under the same prefix. */
static const char *const TAKEN[] = {"generated.weight", "generated.bias", "w_noise",
                                    "e_score_correction_bias"};

static bool is_name(const char *name) {
  int32_t length = 0;
  for (; length < HR_ROUTER_TENSOR_NAME && name[length]; length++) {
    const char c = name[length];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && !(length > 0 && ((c >= '0' && c <= '9') || c == '.'))) return false;
  }
  if (length == 0 || length == HR_ROUTER_TENSOR_NAME) return false;
  for (size_t i = 0; i < sizeof TAKEN / sizeof *TAKEN; i++) {
    if (strcmp(name, TAKEN[i]) == 0) return false;
  }
  return true;
}

static bool is_tensor(const hr_router_tensor *tensor) {
  int64_t size = 1;
  for (int32_t i = 0; i < 3; i++) {
    const int32_t length = tensor->shape[i];
    if (length < 0 || (length == 0 && i == 0) || length > HR_ROUTER_TENSOR_SIZE_MAX) return false;
    if (length > 0 && i > 0 && tensor->shape[i - 1] == 0) return false;
    size *= length > 0 ? length : 1;
    if (size > HR_ROUTER_TENSOR_SIZE_MAX) return false;
  }
  const double mean = tensor->mean, deviation = tensor->deviation;
  return is_name(tensor->name) && mean - mean == 0 && deviation - deviation == 0 && deviation >= 0;
}

/* The first tensor of a custom router that cannot be; -1: none. */
static int32_t wrong_tensor(const hr_config *config) {
  const bool external = hr_router_at(config->router)->option.traits & HR_TRAIT_EXTERNAL;
  const int32_t count = config->router_tensor_count, most = external ? HR_ROUTER_TENSORS_MAX : 0;
  if (count < 0 || count > most) return most;
  for (int32_t i = 0; i < count; i++) {
    if (!is_tensor(&config->router_tensors[i])) return i;
    for (int32_t j = 0; j < i; j++) {
      if (strcmp(config->router_tensors[i].name, config->router_tensors[j].name) == 0) return i;
    }
  }
  return -1;
}

hr_status hr_config_check(const hr_config *config, hr_config_error *error) {
  if (error) *error = (hr_config_error){.field = -1, .choice = -1};
  if (config->kind < 0 || config->kind >= HR_KINDS) return HR_ERROR_ARGUMENT;
  for (int32_t i = 0; i < FIELD_COUNT; i++) {
    const hr_field *field = &FIELDS[i];
    if (!belongs(field, config)) continue;
    const double value = get(config, field);
    const double maximum = field->option ? option_count(field) - 1 : field->maximum;
    const bool inside = value >= field->minimum && (field->open ? value < maximum : value <= maximum);
    if (!inside) return refuse_range(error, i, field->minimum, maximum);
    const int32_t kinds = field->option ? field->option((int32_t)value)->kinds : 0;
    if (kinds && !(kinds & (1 << config->kind)))
      return refuse(error, (hr_config_error){i, HR_RULE_KIND, value, value, -1, 0});
  }
  const int32_t wrong = wrong_tensor(config);
  if (wrong >= 0)
    return refuse(error, (hr_config_error){index_of(AT(router)), HR_RULE_TENSORS, wrong, wrong, -1, 0});
  if (config->top_k > config->experts) return refuse_range(error, index_of(AT(top_k)), 1, config->experts);
  if ((TEXT & 1 << config->kind) && config->d_model % 2 != 0)
    return refuse(error, (hr_config_error){index_of(AT(d_model)), HR_RULE_EVEN, 2, 1 << 14, -1, 0});
  return check_needs(config, error);
}
