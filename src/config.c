/* Configuration: every field with its meaning, default and limits, and the rules between fields. */
#include "hyperrouter.h"
#include "router.h"

enum { LANGUAGE = 1 << HR_LANGUAGE_MODEL, CLASSIFIER = 1 << HR_CLASSIFIER, BOTH = LANGUAGE | CLASSIFIER };

#define AT(member) (int32_t) offsetof(hr_config, member)

static const hr_field FIELDS[] = {
    {"vocabSize", "Number of different tokens; 256 for bytes.", HR_INTEGER, AT(vocab_size), LANGUAGE, 1, 256,
     1, 1 << 20, 0},
    {"inputSize", "Numbers in one input vector.", HR_INTEGER, AT(input_size), CLASSIFIER, 1, 2, 1, 1 << 20,
     0},
    {"classes", "Number of classes.", HR_INTEGER, AT(classes), CLASSIFIER, 1, 2, 2, 1 << 20, 0},
    {"layers", "Number of layers.", HR_INTEGER, AT(layers), BOTH, 1, 2, 1, 128, 0},
    {"heads", "Attention heads of a layer.", HR_INTEGER, AT(heads), LANGUAGE, 1, 4, 1, 1024, 0},
    {"dModel", "Width of the model; even for a language model.", HR_INTEGER, AT(d_model), BOTH, 1, 64, 1,
     1 << 14, 0},
    {"dHead", "Width of an attention head.", HR_INTEGER, AT(d_head), LANGUAGE, 1, 16, 1, 4096, 0},
    {"dInner", "Hidden width of an expert.", HR_INTEGER, AT(d_inner), BOTH, 1, 128, 1, 1 << 16, 0},
    {"experts", "Number of experts in a layer.", HR_INTEGER, AT(experts), BOTH, 1, 8, 1, 1024, 0},
    {"topK", "Experts that take each token, 1 to experts.", HR_INTEGER, AT(top_k), BOTH, 0, 2, 1, 1024, 0},
    {"router", "How tokens are sent to experts.", HR_CHOICE, AT(router), BOTH, 1, 0, 0, 0, 0},
    {"hyperSize", "Hidden width of the frozen hypernetwork (router `hyperrouter`).", HR_INTEGER,
     AT(hyper_size), BOTH, 1, 64, 1, 1 << 16, 0},
    {"contextLength", "Tokens of a segment, at the most.", HR_INTEGER, AT(context_length), LANGUAGE, 0, 64, 1,
     1 << 16, 0},
    {"memoryLength", "Tokens of Transformer-XL memory before a segment.", HR_INTEGER, AT(memory_length),
     LANGUAGE, 0, 64, 0, 1 << 16, 0},
    {"batchSize", "Parallel streams (or input vectors) of a call, at the most.", HR_INTEGER, AT(batch_size),
     BOTH, 0, 16, 1, 1 << 20, 0},
    {"preLayerNorm", "Layer norm before each sublayer instead of after it.", HR_BOOLEAN, AT(pre_layer_norm),
     BOTH, 1, 0, 0, 1, 0},
    {"dropout", "Probability of dropping an activation in training.", HR_NUMBER, AT(dropout), BOTH, 0, 0, 0,
     1, 1},
    {"attentionDropout", "Probability of dropping an attention weight in training.", HR_NUMBER,
     AT(attention_dropout), LANGUAGE, 0, 0, 0, 1, 1},
    {"loadBalanceWeight", "Weight of the load-balancing loss (router `smoe`).", HR_NUMBER,
     AT(load_balance_weight), BOTH, 0, 0, 0, 1e6, 0},
    {"routerZWeight", "Weight of the router z-loss (router `smoe`).", HR_NUMBER, AT(router_z_weight), BOTH, 0,
     0, 0, 1e6, 0},
    {"beta1", "Adam's decay of the first moment.", HR_NUMBER, AT(beta1), BOTH, 0, 0.9, 0, 1, 1},
    {"beta2", "Adam's decay of the second moment.", HR_NUMBER, AT(beta2), BOTH, 0, 0.999, 0, 1, 1},
    {"epsilon", "Adam's guard against division by zero.", HR_NUMBER, AT(epsilon), BOTH, 0, 1e-8, 1e-30, 1, 0},
    {"weightDecay", "Decoupled weight decay (AdamW).", HR_NUMBER, AT(weight_decay), BOTH, 0, 0, 0, 1e3, 0},
    {"seed", "Of the initial values and of dropout.", HR_SEED, AT(seed), BOTH, 0, 1, 0, 4294967295.0, 0},
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

/* The default of a field, which always fits its type. */
static void set_default(hr_config *config, const hr_field *field) {
  char *at = (char *)config + field->offset;
  int32_t integer = (int32_t)field->initial;
  if (field->type == HR_NUMBER) {
    memcpy(at, &field->initial, sizeof field->initial);
  } else {
    memcpy(at, &integer, sizeof integer);
  }
}

void hr_config_default(hr_config *config, hr_kind kind) {
  memset(config, 0, sizeof *config);
  for (int32_t i = 0; i < FIELD_COUNT; i++) set_default(config, &FIELDS[i]);
  config->kind = (int32_t)kind;
}

static int32_t index_of(int32_t offset) {
  for (int32_t i = 0; i < FIELD_COUNT; i++) {
    if (FIELDS[i].offset == offset) return i;
  }
  return -1;
}

static hr_status complain(hr_complaint *complaint, int32_t field, hr_rule rule, double minimum,
                          double maximum) {
  if (complaint) *complaint = (hr_complaint){field, (int32_t)rule, minimum, maximum};
  return HR_ERROR_ARGUMENT;
}

hr_status hr_config_check(const hr_config *config, hr_complaint *complaint) {
  if (complaint) *complaint = (hr_complaint){-1, HR_RULE_NONE, 0, 0};
  if (config->kind != HR_LANGUAGE_MODEL && config->kind != HR_CLASSIFIER) return HR_ERROR_ARGUMENT;
  for (int32_t i = 0; i < FIELD_COUNT; i++) {
    const hr_field *field = &FIELDS[i];
    if (!(field->kinds & (1 << config->kind))) continue;
    double value = get(config, field);
    double maximum = field->type == HR_CHOICE ? hr_router_count() - 1 : field->maximum;
    bool inside = value >= field->minimum && (field->open ? value < maximum : value <= maximum);
    if (!inside) return complain(complaint, i, HR_RULE_RANGE, field->minimum, maximum);
  }
  if (config->top_k > config->experts) {
    return complain(complaint, index_of(AT(top_k)), HR_RULE_RANGE, 1, config->experts);
  }
  if (config->kind == HR_LANGUAGE_MODEL && config->d_model % 2 != 0) {
    return complain(complaint, index_of(AT(d_model)), HR_RULE_EVEN, 2, 1 << 14);
  }
  if (!hr_router_at(config->router)->auxiliary_loss) {
    if (config->load_balance_weight > 0) {
      return complain(complaint, index_of(AT(load_balance_weight)), HR_RULE_SMOE, 0, 0);
    }
    if (config->router_z_weight > 0) {
      return complain(complaint, index_of(AT(router_z_weight)), HR_RULE_SMOE, 0, 0);
    }
  }
  return HR_OK;
}
