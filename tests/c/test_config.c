/* Configurations: defaults, limits of every field, rules between fields; and the table of parameters that a
 * configuration makes. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate.h"
#include "kernels/vector.h"
#include "optimizer.h"
#include "testing.h"

static void set(hr_config *config, const hr_field *field, double value) {
  char *at = (char *)config + field->offset;
  if (field->type == HR_NUMBER) {
    memcpy(at, &value, sizeof value);
  } else if (field->type == HR_SEED) {
    const uint32_t seed = (uint32_t)value;
    memcpy(at, &seed, sizeof seed);
  } else {
    const int32_t integer = (int32_t)value;
    memcpy(at, &integer, sizeof integer);
  }
}

static double get(const hr_config *config, const hr_field *field) {
  const char *at = (const char *)config + field->offset;
  double number;
  int32_t integer;
  uint32_t seed;
  memcpy(&integer, at, sizeof integer);
  memcpy(&seed, at, sizeof seed);
  if (field->type == HR_NUMBER) memcpy(&number, at, sizeof number);
  return field->type == HR_NUMBER ? number : field->type == HR_SEED ? (double)seed : (double)integer;
}

static int32_t field_named(const char *name) {
  for (int32_t i = 0; i < hr_config_field_count(); i++) {
    if (strcmp(hr_config_field(i)->name, name) == 0) return i;
  }
  printf("there is no field %s\n", name);
  exit(2);
}

static const char *const KINDS[] = {"language model", "classifier", "text classifier", "regressor"};

/* Refused by the check and by hr_model_create, with an error about this field. */
static void check_refused(const hr_config *config, const char *name, hr_rule rule, double minimum,
                          double maximum) {
  hr_config_error error = {-2, -2, NAN, NAN, -2, -2};
  CHECK_REFUSED(hr_config_check(config, &error));
  CHECK_REFUSED(hr_config_check(config, NULL));
  const hr_field *field = hr_config_field(error.field);
  CHECK_THAT(field && strcmp(field->name, name) == 0, "the error is about %s, expected %s",
             field ? field->name : "nothing", name);
  CHECK_INT(error.rule, rule);
  CHECK_INT(error.choice, -1);
  CHECK_INT(error.trait, 0);
  CHECK(error.minimum == minimum);
  CHECK(error.maximum == maximum);
  hr_model *model = (hr_model *)&error;
  uint64_t bytes = 1;
  CHECK_REFUSED(hr_model_create(&model, config, &bytes));
  CHECK(model == NULL);
  CHECK(bytes == 0);
}

/* Refused since a choice (of this field, where one is named) lacks a trait; its options say so. */
static void check_lacks(const hr_config *config, const char *name, const char *choice) {
  hr_config_error error;
  CHECK_REFUSED(hr_config_check(config, &error));
  const hr_field *field = hr_config_field(error.field), *chosen = hr_config_field(error.choice);
  CHECK_THAT(field && strcmp(field->name, name) == 0, "the error is about %s, expected %s",
             field ? field->name : "nothing", name);
  CHECK_INT(error.rule, HR_RULE_NEEDS);
  CHECK(field && error.minimum == field->initial && error.maximum == field->initial);
  CHECK(chosen && chosen->option);
  if (!chosen || !chosen->option) return;
  if (choice) CHECK(strcmp(chosen->name, choice) == 0);
  /* A custom router has what its tensors give it. */
  const int32_t traits = chosen->option((int32_t)get(config, chosen))->traits;
  CHECK(error.trait && (!(traits & error.trait) || traits & HR_TRAIT_EXTERNAL));
  bool able = false;
  for (int32_t i = 0; chosen->option(i); i++) able = able || chosen->option(i)->traits & error.trait;
  CHECK(able);
}

static void check_accepted(const hr_config *config) {
  hr_config_error error;
  CHECK_OK(hr_config_check(config, &error));
  CHECK_INT(error.field, -1);
  CHECK_INT(error.rule, HR_RULE_NONE);
}

static int32_t last_option(const hr_field *field) {
  int32_t last = 0;
  while (field->option(last + 1)) last++;
  return last;
}

static double largest_allowed(const hr_field *field) {
  if (field->type == HR_CHOICE) return last_option(field);
  return field->open ? nextafter(field->maximum, -1) : field->maximum;
}

static void test_defaults(hr_kind kind) {
  hr_config config;
  memset(&config, 0xa5, sizeof config);
  hr_config_default(&config, kind);
  CHECK_INT(config.kind, kind);
  check_accepted(&config);
  for (int32_t i = 0; i < hr_config_field_count(); i++) {
    const hr_field *field = hr_config_field(i);
    test_context("%s, %s", KINDS[kind], field->name);
    CHECK(get(&config, field) == field->initial);
    CHECK(field->initial >= field->minimum && field->initial <= largest_allowed(field));
    CHECK(field->summary && strlen(field->summary) > 10);
    CHECK(field->kinds >= 1 && field->kinds < 1 << HR_KINDS);
    CHECK_INT(field->initial < field->minimum, false);
    CHECK_INT(field_named(field->name), i);
  }
  CHECK(hr_config_field(-1) == NULL);
  CHECK(hr_config_field(hr_config_field_count()) == NULL);
}

/* A configuration in which the largest and smallest value of any one field can stand without breaking a rule. */
static hr_config roomy(hr_kind kind, const hr_field *field) {
  hr_config config;
  hr_config_default(&config, kind);
  config.top_k = 1;
  config.router = router_named("smoe");
  if (field->offset == (int32_t)offsetof(hr_config, top_k)) config.experts = 1024;
  if (field->needs & HR_TRAIT_SPARSITY) config.gate = gate_named("relu");
  return config;
}

static void test_limits(hr_kind kind) {
  for (int32_t i = 0; i < hr_config_field_count(); i++) {
    const hr_field *field = hr_config_field(i);
    test_context("%s, %s", KINDS[kind], field->name);
    hr_config config = roomy(kind, field);
    const double least = field->minimum;
    double most = largest_allowed(field);
    const double bound = field->type == HR_CHOICE ? most : field->maximum;
    if (field->option) {
      /* What is last may be for another kind of model. */
      while (field->option((int32_t)most)->kinds && !(field->option((int32_t)most)->kinds & (1 << kind))) {
        set(&config, field, most);
        check_refused(&config, field->name, HR_RULE_KIND, most, most);
        most--;
      }
    }
    /* Only one field of the models of text must be even. */
    const bool even = reads_tokens(kind) && i == field_named("dModel");
    set(&config, field, even ? 2 : least);
    check_accepted(&config);
    set(&config, field, most);
    check_accepted(&config);
    if (field->type == HR_SEED) continue;

    const bool number = field->type == HR_NUMBER;
    const double beyond[] = {number ? nextafter(least, (double)-INFINITY) : least - 1,
                             number ? nextafter(most, (double)INFINITY) : most + 1,
                             number ? (double)NAN : INT32_MIN, number ? (double)INFINITY : INT32_MAX,
                             number ? (double)-INFINITY : -1};
    for (size_t j = 0; j < sizeof beyond / sizeof *beyond; j++) {
      if (beyond[j] >= least && beyond[j] <= bound) continue;
      test_context("%s, %s = %g", KINDS[kind], field->name, beyond[j]);
      set(&config, field, beyond[j]);
      if (field->kinds & (1 << kind)) {
        check_refused(&config, field->name, HR_RULE_RANGE, least, bound);
      } else {
        /* What belongs to the other kind of model is not looked at. */
        check_accepted(&config);
      }
    }
  }
  test_context("%s", "");
}

/* What routers and gates make of the other fields: { field, another value than its default, the least }. */
static void test_needs(hr_kind kind, int32_t router, int32_t gate) {
  static const char *const FIRST_THREE[] = {"topk-softmax", "softmax-topk", "sigmoid"};
  const char *name = router_name(router);
  const bool routes = strcmp(name, "dense") != 0, hash = strcmp(name, "hash") == 0;
  const bool custom = strcmp(name, "custom") == 0;
  /* The configuration below has a custom router without tensors, which learns nothing. */
  const bool learns = routes && !hash && !custom && strcmp(name, "smoe-dropout") != 0;
  const bool matrix = routes && !hash && strcmp(name, "cosine") != 0;
  bool top_k = false;
  for (int i = 0; i < 3; i++) top_k = top_k || strcmp(gate_name(gate), FIRST_THREE[i]) == 0;
  const struct {
    const char *field;
    double value;
    bool allowed;
  } cases[] = {
      {"loadBalanceWeight", 0.01, learns && top_k},
      {"routerZWeight", 0.01, learns && top_k},
      {"routerNoise", 1, matrix},
      {"routerScale", 2, routes && !hash && !custom},
      {"sharedExperts", 1, routes},
      {"capacityFactor", 1.25, routes && top_k},
      {"balanceRate", 0.01, routes && !hash && top_k},
      {"sparsityWeight", 0.01, strcmp(gate_name(gate), "relu") == 0},
  };
  hr_config config;
  hr_config_default(&config, kind);
  config.router = router;
  config.gate = gate;
  if (gate > 0 && (!routes || hash)) {
    test_context("%s, %s", name, gate_name(gate));
    check_lacks(&config, "gate", "router");
    return;
  }
  check_accepted(&config);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_context("%s, %s, %s", name, gate_name(gate), cases[i].field);
    const hr_field *field = hr_config_field(field_named(cases[i].field));
    hr_config changed = config;
    set(&changed, field, cases[i].value);
    if (cases[i].allowed) {
      check_accepted(&changed);
    } else {
      check_lacks(&changed, cases[i].field, NULL);
    }
  }
  test_context("%s", "");
}

static void test_rules(void) {
  hr_config config;
  for (int kind = HR_LANGUAGE_MODEL; kind < HR_KINDS; kind++) {
    hr_config_default(&config, (hr_kind)kind);
    config.experts = 4;
    config.top_k = 4;
    check_accepted(&config);
    config.top_k = 5;
    check_refused(&config, "topK", HR_RULE_RANGE, 1, 4);

    for (int32_t router = 0; router < router_count(); router++) {
      for (int32_t gate = 0; gate < gate_count() && router_fits(router, (hr_kind)kind); gate++)
        test_needs((hr_kind)kind, router, gate);
    }
  }
  hr_config_default(&config, HR_CLASSIFIER);
  config.d_model = 7;
  check_accepted(&config);
  static const hr_kind TEXT[] = {HR_LANGUAGE_MODEL, HR_TEXT_CLASSIFIER};
  for (size_t i = 0; i < sizeof TEXT / sizeof *TEXT; i++) {
    hr_config_default(&config, TEXT[i]);
    config.d_model = 7;
    check_refused(&config, "dModel", HR_RULE_EVEN, 2, 1 << 14);
  }
  static const int32_t NO_KINDS[] = {-1, HR_KINDS, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof NO_KINDS / sizeof *NO_KINDS; i++) {
    config.kind = NO_KINDS[i];
    hr_config_error error;
    CHECK_REFUSED(hr_config_check(&config, &error));
    CHECK_INT(error.field, -1);
  }
}

/* The tensors that a custom router may have, and that no other router may. */
static void test_router_tensors(void) {
  static const hr_router_tensor GOOD = {"a_1.B", {1 << 14, 1 << 14}, 1, -3, 0.5};
  hr_config config = small_classifier(router_named("custom"));
  config.load_balance_weight = 0.1;
  check_accepted(&config);
  hr_router_tensor tensors[HR_ROUTER_TENSORS_MAX + 1];
  for (int32_t i = 0; i <= HR_ROUTER_TENSORS_MAX; i++) {
    tensors[i] = GOOD;
    tensors[i].name[0] = (char)((i < 26 ? 'a' : 'A' - 26) + i);
  }
  config.router_tensors = tensors;
  config.router_tensor_count = HR_ROUTER_TENSORS_MAX;
  check_accepted(&config);
  config.router_tensor_count++;
  check_refused(&config, "router", HR_RULE_TENSORS, HR_ROUTER_TENSORS_MAX, HR_ROUTER_TENSORS_MAX);
  config.router_tensor_count = -1;
  check_refused(&config, "router", HR_RULE_TENSORS, HR_ROUTER_TENSORS_MAX, HR_ROUTER_TENSORS_MAX);
  config.router_tensor_count = 2;
  config.router = router_named("smoe");
  check_refused(&config, "router", HR_RULE_TENSORS, 0, 0);
  config.router = router_named("custom");

  static const char *const BAD_NAMES[] = {"",
                                          "1a",
                                          ".a",
                                          "a b",
                                          "a\x80",
                                          "a/b",
                                          "generated.weight",
                                          "generated.bias",
                                          "w_noise",
                                          "e_score_correction_bias",
                                          "a_1.B"};
  for (size_t i = 0; i < sizeof BAD_NAMES / sizeof *BAD_NAMES; i++) {
    test_context("the name '%s'", BAD_NAMES[i]);
    memset(tensors[1].name, 0, sizeof tensors[1].name);
    memcpy(tensors[1].name, BAD_NAMES[i], strlen(BAD_NAMES[i]));
    check_refused(&config, "router", HR_RULE_TENSORS, 1, 1);
  }
  memset(tensors[1].name, 'x', sizeof tensors[1].name);
  check_refused(&config, "router", HR_RULE_TENSORS, 1, 1);
  tensors[1].name[HR_ROUTER_TENSOR_NAME - 1] = 0;
  check_accepted(&config);

  static const int32_t BAD_SHAPES[][3] = {
      {0}, {-1}, {2, -1}, {2, 0, 2}, {1 << 29}, {2, 1 << 28}, {1 << 28, 1 << 28, 1 << 28}};
  for (size_t i = 0; i < sizeof BAD_SHAPES / sizeof *BAD_SHAPES; i++) {
    test_context("shape %zu", i);
    memcpy(tensors[1].shape, BAD_SHAPES[i], sizeof BAD_SHAPES[i]);
    check_refused(&config, "router", HR_RULE_TENSORS, 1, 1);
  }
  memcpy(tensors[1].shape, GOOD.shape, sizeof GOOD.shape);
  static const double BAD_NUMBERS[][2] = {{NAN, 1}, {INFINITY, 1}, {0, NAN}, {0, INFINITY}, {0, -1}};
  for (size_t i = 0; i < sizeof BAD_NUMBERS / sizeof *BAD_NUMBERS; i++) {
    test_context("initial values %zu", i);
    tensors[1].mean = BAD_NUMBERS[i][0];
    tensors[1].deviation = BAD_NUMBERS[i][1];
    check_refused(&config, "router", HR_RULE_TENSORS, 1, 1);
  }
  test_context("%s", "");

  /* Without a tensor that is trained, nothing learns from a loss on the router. */
  config = small_classifier(router_named("custom"));
  config.load_balance_weight = 0.1;
  config.router_tensors++;
  config.router_tensor_count = 1;
  check_lacks(&config, "loadBalanceWeight", "router");
}

static void test_routers(void) {
  static const char *const NAMES[] = {"hyperrouter", "smoe", "smoe-dropout", "dense",
                                      "cosine",      "hash", "custom"};
  CHECK_INT(router_count(), 7);
  for (int32_t i = 0; i < router_count(); i++) {
    const hr_option *option = router_option(i);
    CHECK(strcmp(option->name, NAMES[i]) == 0);
    CHECK(strlen(option->label) > 3);
    CHECK(strlen(option->summary) > 10);
    CHECK_INT(router_routes(i), strcmp(NAMES[i], "dense") != 0);
  }
  CHECK(router_option(-1) == NULL);
  CHECK(router_option(7) == NULL);
}

/* Every trait has a name of its own; only choices have options, and what a field needs some option has. */
static void test_traits(void) {
  int32_t count = 0, named = 0, had = 0;
  for (; hr_trait_name(count); count++) {
    for (int32_t i = 0; i < count; i++) CHECK(strcmp(hr_trait_name(i), hr_trait_name(count)) != 0);
    named |= 1 << count;
  }
  CHECK(hr_trait_name(-1) == NULL);
  for (int32_t i = 0; i < hr_config_field_count(); i++) {
    const hr_field *field = hr_config_field(i);
    for (int32_t o = 0; field->option && field->option(o); o++) had |= field->option(o)->traits;
  }
  CHECK_INT(had, named);
  /* What gates say of their weights is what they do. */
  for (int32_t i = 0; hr_gate_at(i); i++) {
    const hr_gate_type *gate = hr_gate_at(i);
    CHECK_INT((gate->option.traits & HR_TRAIT_DIFFERENTIABLE) != 0, gate->backward != NULL);
    const int32_t kind = gate->option.traits & (HR_TRAIT_NORMALISED | HR_TRAIT_PROBABILITIES);
    CHECK(kind != (HR_TRAIT_NORMALISED | HR_TRAIT_PROBABILITIES));
    const int32_t ids[] = {2, 0};
    const hr_real logits[] = {0.5f, -1, 1.5f};
    hr_real row[3], weights[2], all[3];
    const hr_choice choice = {ids, 2, logits, 3, row};
    gate->weigh(weights, &choice);
    hr_softmax(all, logits, 3);
    const bool is_share = fabs((double)(weights[0] - all[2])) < 1e-6;
    CHECK_INT(kind == HR_TRAIT_NORMALISED, fabs((double)(weights[0] + weights[1] - 1)) < 1e-6);
    CHECK_INT(kind == HR_TRAIT_PROBABILITIES, is_share);
  }
  for (int32_t i = 0; i < hr_config_field_count(); i++) {
    const hr_field *field = hr_config_field(i);
    CHECK_INT(field->option != NULL, field->type == HR_CHOICE);
    CHECK_INT(field->needs & ~had, 0);
    CHECK(field->needs || !field->strict);
  }
}

/* ---------------------------------------------------------------------------------------- the parameters */

typedef struct expectation {
  const char *name;
  int32_t shape[3];
  hr_role role;
  hr_initial initial;
} expectation;

static int32_t checked;

static void check_tensor(hr_model *model, const char *prefix, expectation expected) {
  char name[128];
  snprintf(name, sizeof name, "%s%s", prefix, expected.name);
  hr_parameter *parameter = find_parameter(model, name);
  CHECK_THAT(parameter != NULL, "there is a tensor %s", name);
  if (!parameter) return;
  checked++;
  test_context("%s", name);
  int32_t size = 1;
  for (int i = 0; i < 3; i++) {
    CHECK_INT(parameter->shape[i], expected.shape[i] ? expected.shape[i] : 1);
    size *= parameter->shape[i];
  }
  CHECK_INT(parameter->rank, expected.shape[2] ? 3 : expected.shape[1] ? 2 : 1);
  CHECK_INT(parameter->size, size);
  CHECK_INT(parameter->role, expected.role);
  const bool trained = expected.role == HR_TRAINED;
  CHECK((parameter->grad != NULL) == (trained || expected.role == HR_EXTERNAL));
  CHECK((parameter->m != NULL) == trained && (parameter->v != NULL) == trained);

  static const double MEANS[] = {0, 0, 1, 0, 0.69314718055994530942};
  static const double DEVIATIONS[] = {0, 0.02, 0.02, 1, 1e-7};
  const double mean = MEANS[expected.initial], deviation = DEVIATIONS[expected.initial];
  double sum = 0, squares = 0;
  for (int32_t i = 0; i < size; i++) {
    const double off = (double)parameter->data[i] - mean;
    sum += off;
    squares += off * off;
    CHECK_NEAR(off, 0, 6 * deviation);
  }
  CHECK_NEAR(sum / size, 0, 5 * deviation / sqrt(size));
  if (expected.initial != HR_INITIAL_LN_2)
    CHECK_NEAR(sqrt(squares / size), deviation, 4 * deviation / sqrt(size));
  for (int32_t i = 0; trained && i < size; i++) CHECK(parameter->m[i] == 0 && parameter->v[i] == 0);
  test_context("%s", "");
}

static void check_feedforward(hr_model *model, const char *layer, const hr_config *c) {
  const char *router = router_name(c->router);
  const int32_t d = c->d_model, f = c->d_inner, e = c->experts, z = c->hyper_size;
  if (strcmp(router, "hyperrouter") == 0) {
    check_tensor(model, layer, (expectation){"gate.embedding", {1, d}, HR_TRAINED, HR_INITIAL_UNIT});
    check_tensor(model, layer, (expectation){"gate.hypernet.0.weight", {z, d}, HR_FROZEN, HR_INITIAL_SMALL});
    check_tensor(model, layer, (expectation){"gate.hypernet.0.bias", {z}, HR_FROZEN, HR_INITIAL_ZERO});
    check_tensor(model, layer,
                 (expectation){"gate.hypernet.2.weight", {e * (d + 1), z}, HR_FROZEN, HR_INITIAL_SMALL});
    check_tensor(model, layer,
                 (expectation){"gate.hypernet.2.bias", {e * (d + 1)}, HR_FROZEN, HR_INITIAL_ZERO});
  } else if (strcmp(router, "cosine") == 0) {
    const int32_t w = c->router_size;
    check_tensor(model, layer,
                 (expectation){"gate.cosine_projector.weight", {w, d}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, layer, (expectation){"gate.cosine_projector.bias", {w}, HR_TRAINED, HR_INITIAL_ZERO});
    check_tensor(model, layer, (expectation){"gate.sim_matrix", {w, e}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, layer, (expectation){"gate.temperature", {1}, HR_TRAINED, HR_INITIAL_LN_2});
  } else if (strcmp(router, "hash") == 0) {
    check_tensor(model, layer, (expectation){"gate.table", {c->vocab_size, e}, HR_FROZEN, HR_INITIAL_UNIT});
  } else if (strcmp(router, "custom") == 0) {
    check_tensor(model, layer, (expectation){"gate.generated.weight", {e, d}, HR_EXTERNAL, HR_INITIAL_ZERO});
    check_tensor(model, layer, (expectation){"gate.generated.bias", {e}, HR_EXTERNAL, HR_INITIAL_ZERO});
    check_tensor(model, layer, (expectation){"gate.u", {4, 3}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, layer, (expectation){"gate.fixed.offset", {5}, HR_FROZEN, HR_INITIAL_ZERO});
  } else if (strcmp(router, "dense") != 0) {
    const hr_role role = strcmp(router, "smoe") == 0 ? HR_TRAINED : HR_FROZEN;
    check_tensor(model, layer, (expectation){"gate.gate.weight", {e, d}, role, HR_INITIAL_SMALL});
    check_tensor(model, layer, (expectation){"gate.gate.bias", {e}, role, HR_INITIAL_ZERO});
  }
  if (strcmp(router, "dense") == 0) {
    check_tensor(model, layer, (expectation){"CoreNet.0.weight", {f * e, d}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, layer, (expectation){"CoreNet.0.bias", {f * e}, HR_TRAINED, HR_INITIAL_ZERO});
    check_tensor(model, layer, (expectation){"CoreNet.3.weight", {d, f * e}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, layer, (expectation){"CoreNet.3.bias", {d}, HR_TRAINED, HR_INITIAL_ZERO});
  } else {
    check_tensor(model, layer,
                 (expectation){"experts.htoh4.weight", {e, f, d}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, layer, (expectation){"experts.htoh4.bias", {e, f}, HR_TRAINED, HR_INITIAL_ZERO});
    check_tensor(model, layer,
                 (expectation){"experts.h4toh.weight", {e, d, f}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, layer, (expectation){"experts.h4toh.bias", {e, d}, HR_TRAINED, HR_INITIAL_ZERO});
  }
  check_tensor(model, layer, (expectation){"layer_norm.weight", {d}, HR_TRAINED, HR_INITIAL_NEAR_ONE});
  check_tensor(model, layer, (expectation){"layer_norm.bias", {d}, HR_TRAINED, HR_INITIAL_ZERO});
}

static bool same_number(double a, double b) {
  return a <= b && a >= b;
}

/* Names, shapes and initial values are those of the published code: its checkpoints must open. */
static void test_parameters(const hr_config *c) {
  hr_model *model = new_model(c);
  const int32_t d = c->d_model, width = c->heads * c->d_head;
  const bool tokens = reads_tokens(c->kind);
  const int32_t outputs = c->kind == HR_REGRESSOR ? c->outputs : c->classes;
  checked = 0;
  if (tokens) {
    check_tensor(
        model, "",
        (expectation){"word_emb.emb_layers.0.weight", {c->vocab_size, d}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, "", (expectation){"r_w_bias", {c->heads, c->d_head}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, "", (expectation){"r_r_bias", {c->heads, c->d_head}, HR_TRAINED, HR_INITIAL_SMALL});
  } else {
    check_tensor(model, "", (expectation){"input.weight", {d, c->input_size}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, "", (expectation){"input.bias", {d}, HR_TRAINED, HR_INITIAL_ZERO});
    check_tensor(model, "", (expectation){"output.weight", {outputs, d}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, "", (expectation){"output.bias", {outputs}, HR_TRAINED, HR_INITIAL_ZERO});
  }
  if (c->kind == HR_LANGUAGE_MODEL) {
    check_tensor(model, "",
                 (expectation){"crit.out_layers.0.bias", {c->vocab_size}, HR_TRAINED, HR_INITIAL_ZERO});
  } else if (tokens) {
    check_tensor(model, "", (expectation){"project_head.0.weight", {d, d}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, "", (expectation){"project_head.0.bias", {d}, HR_TRAINED, HR_INITIAL_ZERO});
    check_tensor(model, "",
                 (expectation){"project_head.3.weight", {outputs, d}, HR_TRAINED, HR_INITIAL_SMALL});
    check_tensor(model, "", (expectation){"project_head.3.bias", {outputs}, HR_TRAINED, HR_INITIAL_ZERO});
  }
  for (int32_t i = 0; i < c->layers; i++) {
    char attention[64], feedforward[64];
    snprintf(attention, sizeof attention, "layers.%d.dec_attn.", i);
    snprintf(feedforward, sizeof feedforward, "layers.%d.pos_ff.", i);
    if (tokens) {
      check_tensor(model, attention,
                   (expectation){"qkv_net.weight", {3 * width, d}, HR_TRAINED, HR_INITIAL_SMALL});
      check_tensor(model, attention, (expectation){"o_net.weight", {d, width}, HR_TRAINED, HR_INITIAL_SMALL});
      check_tensor(model, attention, (expectation){"r_net.weight", {width, d}, HR_TRAINED, HR_INITIAL_SMALL});
      check_tensor(model, attention,
                   (expectation){"layer_norm.weight", {d}, HR_TRAINED, HR_INITIAL_NEAR_ONE});
      check_tensor(model, attention, (expectation){"layer_norm.bias", {d}, HR_TRAINED, HR_INITIAL_ZERO});
    }
    check_feedforward(model, feedforward, c);
  }
  CHECK_INT(checked, hr_model_parameter_count(model));
  for (int32_t i = 0; i < checked; i++) {
    /* The same without a model: all but the memory. */
    const hr_parameter *parameter = hr_model_parameter(model, i);
    hr_parameter told;
    CHECK_OK(hr_config_parameter(c, i, &told));
    CHECK(strcmp(told.name, parameter->name) == 0);
    CHECK(memcmp(told.shape, parameter->shape, sizeof told.shape) == 0);
    CHECK(told.rank == parameter->rank && told.size == parameter->size);
    CHECK(told.role == parameter->role && same_number(told.mean, parameter->mean) &&
          same_number(told.deviation, parameter->deviation));
    CHECK(!told.data && !told.grad && !told.m && !told.v);
  }
  hr_parameter none;
  CHECK_REFUSED(hr_config_parameter(c, -1, &none));
  CHECK_REFUSED(hr_config_parameter(c, checked, &none));
  hr_config bad = *c;
  bad.layers = 0;
  CHECK_REFUSED(hr_config_parameter(&bad, 0, &none));
  CHECK(hr_config_memory(&bad, NULL) == 0);
  uint64_t total = 0;
  for (int kind = 0; kind < HR_MEMORY_KINDS; kind++) total += hr_model_bytes(model, (hr_memory_kind)kind);
  CHECK(hr_config_memory(c, NULL) == total);
  CHECK(hr_model_parameter(model, -1) == NULL);
  CHECK(hr_model_parameter(model, hr_model_parameter_count(model)) == NULL);
  hr_model_destroy(model);
}

/* Who has a gradient and moments, what a backward pass finds at zero, and what the optimizer counts and moves. */
static void test_roles(void) {
  static const char *const NAMES[HR_ROLES] = {"trained", "frozen", "state", "external"};
  hr_parameter table[HR_ROLES];
  hr_parameters parameters = {.table = table};
  char *memory = calloc(1, 1 << 12);
  hr_arena arena = {.base = memory};
  for (int32_t role = 0; role < HR_ROLES; role++)
    hr_parameters_declare(&parameters, -1, NAMES[role], HR_INITIAL_UNIT, (hr_role)role, 3, 0, 0);
  hr_parameters_place(&parameters, &arena);
  hr_parameters_initialise(&parameters, 1);
  CHECK(arena.used <= 1 << 12);
  CHECK_INT(arena.bytes[HR_MEMORY_MOMENTS], 2 * 64);
  CHECK_INT(arena.bytes[HR_MEMORY_GRADIENTS], 2 * 64);
  hr_real before[HR_ROLES][3];
  for (int32_t role = 0; role < HR_ROLES; role++) {
    test_context("%s", NAMES[role]);
    const hr_parameter *entry = &table[role];
    memcpy(before[role], entry->data, sizeof before[role]);
    CHECK(entry->data[0] != 0);
    CHECK((entry->grad != NULL) == (role == HR_TRAINED || role == HR_EXTERNAL));
    CHECK((entry->m != NULL) == (role == HR_TRAINED) && (entry->v != NULL) == (role == HR_TRAINED));
    for (int32_t i = 0; entry->grad && i < 3; i++) entry->grad[i] = 2;
  }
  CHECK_NEAR(hr_gradient_norm(&parameters, NULL), 2 * sqrt(3), 1e-6);
  hr_config config;
  hr_config_default(&config, HR_CLASSIFIER);
  hr_optimizer_step(&parameters, &config, 1, &(hr_rates){.body = 0.1, .head = 0.1}, 0, NULL);
  for (int32_t role = 0; role < HR_ROLES; role++) {
    test_context("%s, after a step", NAMES[role]);
    CHECK(same_bits(before[role], table[role].data, 3) == (role != HR_TRAINED));
  }
  hr_parameters_clear_gradients(&parameters, false);
  for (int32_t i = 0; i < 3; i++) CHECK(table[HR_TRAINED].grad[i] == 0 && table[HR_EXTERNAL].grad[i] == 0);
  free(memory);
  test_context("%s", "");
}

/* The same tensor starts from the same numbers whatever else the model has; another seed gives others. */
static void test_seeds(void) {
  const char *const name = "layers.1.pos_ff.experts.htoh4.weight";
  hr_config config = small_language_model(0, false), deeper = config;
  deeper.layers = 12;
  deeper.router = router_named("smoe");
  deeper.batch_size = 1;
  hr_model *model = new_model(&config), *other = new_model(&deeper);
  const hr_parameter *a = find_parameter(model, name), *b = find_parameter(other, name);
  CHECK(same_bits(a->data, b->data, a->size));
  CHECK(find_parameter(other, "layers.11.pos_ff.gate.gate.weight") != NULL);
  const hr_parameter *c = find_parameter(other, "layers.11.pos_ff.experts.htoh4.weight");
  CHECK(!same_bits(a->data, c->data, a->size));
  static const uint32_t SEEDS[] = {0, 2, UINT32_MAX};
  for (size_t i = 0; i < sizeof SEEDS / sizeof *SEEDS; i++) {
    config.seed = SEEDS[i];
    hr_model *another = new_model(&config);
    const hr_parameter *p = find_parameter(another, name);
    double product = 0;
    for (int32_t j = 0; j < p->size; j++) product += (double)p->data[j] * (double)a->data[j];
    CHECK_NEAR(product / p->size / 0.0004, 0, 5 / sqrt(p->size));
    hr_model_destroy(another);
  }
  hr_model_destroy(model);
  hr_model_destroy(other);
}

int main(void) {
  for (int kind = 0; kind < HR_KINDS; kind++) {
    test_defaults((hr_kind)kind);
    test_limits((hr_kind)kind);
  }
  test_rules();
  test_routers();
  test_router_tensors();
  test_traits();
  test_roles();
  for (int32_t router = 0; router < router_count(); router++) {
    hr_config config = small_language_model(router, router % 2);
    config.d_inner = 20;
    test_parameters(&config);
    config = small_text_classifier(router, router % 2);
    config.d_inner = 20;
    test_parameters(&config);
    if (!router_fits(router, HR_CLASSIFIER)) continue;
    config = small_classifier(router);
    test_parameters(&config);
    config = small_regressor(router);
    test_parameters(&config);
  }
  test_seeds();
  return test_report("config");
}
