/* Generation: the cache says what a whole segment says, the window is as long as promised, interruptions leave no trace,
 * and tokens are drawn as often as their probabilities tell. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

static hr_model *new_generator(const hr_config *config) {
  hr_model *model = new_model(config);
  randomise_parameters(model, 7);
  random_seed(8);
  return model;
}

static const hr_real *last_logits(hr_model *model) {
  int32_t rows;
  const hr_real *logits = hr_model_logits(model, &rows);
  return logits + (ptrdiff_t)(rows - 1) * hr_model_config(model)->vocab_size;
}

/* A text that fits in a segment, fed in pieces of every size, has the logits and the routing of the segment. */
static void test_pieces(hr_config config) {
  config.top_k = 3;
  hr_model *model = new_generator(&config);
  const int32_t t = config.context_length, v = config.vocab_size;
  int32_t *tokens = new_ints(t), *experts = new_ints(t * 3), rows;
  hr_real *expected = new_reals(t * v);
  random_tokens(tokens, t, v);
  const hr_batch segment = {.tokens = tokens, .batch = 1, .length = t};
  CHECK_OK(hr_model_predict(model, &segment));
  memcpy(expected, hr_model_logits(model, &rows), (size_t)(t * v) * sizeof *expected);
  hr_routing routing;
  const int32_t layer = config.layers - 1;
  const bool routes = router_routes(config.router);
  if (routes) {
    CHECK_OK(hr_model_routing(model, layer, &routing));
    if (routing.top_k == 3) memcpy(experts, routing.experts, (size_t)(t * 3) * sizeof *experts);
  }
  const uint64_t before = fingerprint(model);
  for (int32_t piece = 1; piece <= t; piece++) {
    test_context("%s, %s layer norm, pieces of %d", router_name(config.router),
                 config.pre_layer_norm ? "pre" : "post", piece);
    CHECK_OK(hr_generation_begin(model, piece));
    CHECK_INT(hr_generation_session(model), piece);
    for (int32_t at = 0; at < t; at += piece) {
      const int32_t count = t - at < piece ? t - at : piece;
      CHECK_OK(hr_generation_feed(model, tokens + at, count));
      const hr_real *got = hr_model_logits(model, &rows);
      CHECK_INT(rows, count);
      CHECK_NEAR(largest_difference(got, expected + at * v, count * v), 0, 2e-5 * largest(expected, t * v));
      if (!routes) continue;
      CHECK_OK(hr_model_routing(model, layer, &routing));
      CHECK_INT(routing.tokens, count);
      if (config.gate == gate_named("relu")) continue;
      CHECK(memcmp(routing.experts, experts + at * 3, (size_t)(count * 3) * sizeof *experts) == 0);
    }
  }
  /* The memory of training is not that of generation. */
  CHECK(fingerprint(model) == before);
  test_context("%s", "");
  free(tokens);
  free(experts);
  free(expected);
  hr_model_destroy(model);
}

/* Without end: token by token, the window is the memory of a model that reads segments of one token. */
static void test_window(hr_config config, int32_t context, int32_t memory) {
  config.context_length = context;
  config.memory_length = memory;
  hr_model *model = new_generator(&config);
  const int32_t window = memory > context - 1 ? memory : context - 1, v = config.vocab_size;
  CHECK_INT(hr_generation_capacity(model), window);
  config.context_length = 1;
  config.memory_length = window;
  config.batch_size = 1;
  hr_model *stepping = new_generator(&config);
  CHECK_OK(hr_generation_begin(model, 1));
  test_context("%s, %s layer norm, context %d, memory %d", router_name(config.router),
               config.pre_layer_norm ? "pre" : "post", context, memory);
  for (int32_t at = 0; at < 4 * (window + 2); at++) {
    const int32_t token = random_below(v);
    const hr_batch one = {.tokens = &token, .batch = 1, .length = 1, .carry_memory = true};
    CHECK_OK(hr_generation_feed(model, &token, 1));
    CHECK_OK(hr_model_predict(stepping, &one));
    const double size = largest(last_logits(stepping), v);
    CHECK_NEAR(largest_difference(last_logits(model), last_logits(stepping), v), 0, 2e-5 * size);
  }
  test_context("%s", "");
  hr_model_destroy(model);
  hr_model_destroy(stepping);
}

/* Whatever happens between feeding and drawing, the token and the logits it is drawn from are the same. */
static void check_interrupted(hr_model *model, hr_model *undisturbed, const int32_t *pieces, int count) {
  const hr_config *c = hr_model_config(model);
  uint64_t state = 5, same = 5;
  hr_model *const both[] = {model, undisturbed};
  for (int i = 0; i < 2; i++) CHECK_OK(hr_generation_begin(both[i], 3));
  for (int piece = 0; piece < count; piece++) {
    int32_t *tokens = new_ints(pieces[piece]), drawn, expected;
    random_tokens(tokens, pieces[piece], c->vocab_size);
    for (int i = 0; i < 2; i++) CHECK_OK(hr_generation_feed(both[i], tokens, pieces[piece]));
    for (int again = 0; again < 3; again++) {
      int32_t *other = new_ints(c->batch_size * c->context_length);
      random_tokens(other, c->batch_size * c->context_length, c->vocab_size);
      const hr_batch batch = {
          .tokens = other, .targets = other, .batch = c->batch_size, .length = c->context_length};
      hr_result result;
      if (again != 1) CHECK_OK(hr_model_evaluate(model, &batch, &result));
      if (again == 2) CHECK_OK(hr_model_gradients(model, &batch, &result));
      CHECK_OK(draw_token(model, 1.3, 0.95, &state, &drawn));
      CHECK_OK(draw_token(undisturbed, 1.3, 0.95, &same, &expected));
      CHECK_INT(drawn, expected);
      CHECK(state == same);
      const double off = largest_difference(last_logits(model), last_logits(undisturbed), c->vocab_size);
      CHECK_NEAR(off, 0, 1e-5 * largest(last_logits(undisturbed), c->vocab_size));
      free(other);
    }
    free(tokens);
  }
}

static void test_interrupted(hr_config config) {
  hr_model *model = new_generator(&config), *undisturbed = new_generator(&config);
  const int32_t t = config.context_length;
  const int32_t single[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, pieces[] = {t, 1, 2, t, t, t - 1, 1, t};
  test_context("%s, token by token", router_name(config.router));
  check_interrupted(model, undisturbed, single, 12);
  test_context("%s, in pieces", router_name(config.router));
  check_interrupted(model, undisturbed, pieces, 8);
  test_context("%s", "");
  hr_model_destroy(model);
  hr_model_destroy(undisturbed);
}

/* ----------------------------------------------------------------------------------------------- drawing */

/* softmax(logits / temperature) of the penalised logits, cut to the top_tokens, and of these to the fewest that together
 * reach top_p. */
static void expected_probabilities(double *probabilities, const hr_real *logits, int32_t v,
                                   const hr_sampling *sampling) {
  double sum = 0, kept = 0, whole = 0, most = -INFINITY;
  int32_t *order = new_ints(v);
  for (int32_t i = 0; i < v; i++) {
    bool repeated = false;
    for (int32_t j = 0; j < sampling->repeated_count; j++) repeated |= sampling->repeated[j] == i;
    const double penalty = repeated ? sampling->repetition_penalty : 1;
    probabilities[i] = (double)logits[i] * ((double)logits[i] < 0 ? penalty : 1 / penalty);
    most = fmax(most, probabilities[i]);
  }
  for (int32_t i = 0; i < v; i++)
    sum += probabilities[i] = exp((probabilities[i] - most) / sampling->temperature);
  for (int32_t i = 0; i < v; i++) {
    probabilities[i] /= sum;
    int32_t at = i;
    for (; at > 0 && probabilities[order[at - 1]] < probabilities[i]; at--) order[at] = order[at - 1];
    order[at] = i;
  }
  for (int32_t i = 0; i < sampling->top_tokens; i++) whole += probabilities[order[i]];
  int32_t count = 0;
  while (count < sampling->top_tokens && kept < whole * sampling->top_p - 1e-12)
    kept += probabilities[order[count++]];
  for (int32_t i = 0; i < v; i++) probabilities[order[i]] = i < count ? probabilities[order[i]] / kept : 0;
  free(order);
}

static void check_frequencies(hr_model *model, const hr_sampling *sampling, uint64_t state) {
  enum { DRAWS = 20000 };
  const int32_t v = hr_model_config(model)->vocab_size;
  double probabilities[37];
  expected_probabilities(probabilities, last_logits(model), v, sampling);
  int32_t counts[37] = {0}, drawn;
  for (int i = 0; i < DRAWS; i++) {
    CHECK_OK(hr_generation_sample(model, sampling, &state, &drawn));
    counts[drawn]++;
  }
  double chi = 0, cells = 0;
  for (int32_t i = 0; i < v; i++) {
    if (probabilities[i] == 0) CHECK_INT(counts[i], 0);
    if (probabilities[i] * DRAWS < 5) continue;
    chi += pow(counts[i] - probabilities[i] * DRAWS, 2) / (probabilities[i] * DRAWS);
    cells++;
  }
  CHECK_THAT(chi <= cells + 5 * sqrt(2 * cells), "chi^2 is %g over %g cells", chi, cells);
}

static void test_frequencies(void) {
  static const struct {
    double temperature, top_p, penalty;
    int32_t top_tokens;
  } SETTINGS[] = {{1, 1, 1, 37},      {0.5, 1, 1, 37},    {2, 1, 1, 37},    {1, 0.7, 1, 37},
                  {0.8, 0.4, 1, 37},  {1.5, 0.93, 1, 37}, {1, 1e-9, 1, 37}, {1, 1, 1, 5},
                  {1.2, 0.7, 1, 10},  {1, 1, 1, 1},       {1, 1, 3, 37},    {1, 1, 0.4, 37},
                  {0.7, 0.8, 1.7, 12}};
  static const int32_t REPEATED[] = {3, 0, 36, 4, 11, 20, 21, 3};
  hr_config config = small_language_model(0, false);
  config.vocab_size = 37;
  hr_model *model = new_generator(&config);
  const int32_t v = config.vocab_size, token = 4;
  hr_parameter *bias = find_parameter(model, "crit.out_layers.0.bias");
  for (int32_t i = 0; i < v; i++) bias->data[i] = (hr_real)random_normal();
  hr_model_invalidate(model);
  CHECK_OK(hr_generation_begin(model, 1));
  CHECK_OK(hr_generation_feed(model, &token, 1));
  for (size_t s = 0; s < sizeof SETTINGS / sizeof *SETTINGS; s++) {
    const hr_sampling sampling = {.temperature = SETTINGS[s].temperature,
                                  .top_p = SETTINGS[s].top_p,
                                  .top_tokens = SETTINGS[s].top_tokens,
                                  .repetition_penalty = SETTINGS[s].penalty,
                                  .repeated = REPEATED,
                                  .repeated_count = 8};
    test_context("temperature %g, top p %g, %d tokens, penalty %g", sampling.temperature, sampling.top_p,
                 sampling.top_tokens, sampling.repetition_penalty);
    check_frequencies(model, &sampling, 1000 + s);
  }
  test_context("%s", "");
  hr_model_destroy(model);
}

/* softmax of the logits, also when another call overwrote them. */
static void test_probabilities(void) {
  const hr_config config = small_language_model(0, false);
  hr_model *model = new_generator(&config);
  const int32_t tokens[] = {3, 1, 4}, v = config.vocab_size;
  const hr_sampling all = {.temperature = 1, .top_p = 1, .top_tokens = v, .repetition_penalty = 1};
  CHECK(hr_generation_probabilities(model) == NULL);
  CHECK_OK(hr_generation_begin(model, 1));
  CHECK(hr_generation_probabilities(model) == NULL);
  CHECK_OK(hr_generation_feed(model, tokens, 3));
  double *expected = calloc((size_t)v, sizeof *expected);
  expected_probabilities(expected, last_logits(model), v, &all);
  for (int again = 0; again < 2; again++) {
    const hr_real *probabilities = hr_generation_probabilities(model);
    for (int32_t i = 0; i < v; i++) CHECK_NEAR(probabilities[i], expected[i], 1e-6);
    const hr_batch other = {.tokens = tokens, .batch = 1, .length = 2};
    CHECK_OK(hr_model_predict(model, &other));
  }
  hr_model_invalidate(model);
  CHECK(hr_generation_probabilities(model) == NULL);
  free(expected);
  hr_model_destroy(model);
}

static void test_extremes_of_drawing(void) {
  const hr_config config = small_language_model(1, true);
  hr_model *model = new_generator(&config);
  const int32_t token = 3, v = config.vocab_size;
  uint64_t state = 1, other = 1;
  int32_t drawn, again;
  CHECK_OK(hr_generation_begin(model, 1));
  CHECK_OK(hr_generation_feed(model, &token, 1));
  int32_t best = 0;
  for (int32_t i = 1; i < v; i++) {
    if (last_logits(model)[i] > last_logits(model)[best]) best = i;
  }
  /* Cold, and so cold that quotients overflow: the largest. */
  static const double COLD[] = {0, 1e-6, 1e-30, 1e-300, 5e-324};
  for (size_t i = 0; i < sizeof COLD / sizeof *COLD; i++) {
    CHECK_OK(draw_token(model, COLD[i], 1, &state, &drawn));
    CHECK_INT(drawn, best);
  }
  /* So hot that all are alike. */
  int32_t counts[11] = {0};
  for (int i = 0; i < 11000; i++) {
    CHECK_OK(draw_token(model, 1e9, 1, &state, &drawn));
    counts[drawn]++;
  }
  for (int32_t i = 0; i < v; i++) CHECK_NEAR(counts[i], 1000, 200);
  /* The state is all there is to chance. */
  other = state;
  for (int i = 0; i < 50; i++) {
    CHECK_OK(draw_token(model, 1, 1, &state, &drawn));
    CHECK_OK(draw_token(model, 1, 1, &other, &again));
    CHECK_INT(drawn, again);
  }
  /* All logits the same: ties go to the lower id. */
  for (int32_t i = 0; i < hr_model_parameter_count(model); i++) {
    hr_parameter *parameter = hr_model_parameter(model, i);
    for (int32_t j = 0; j < parameter->size; j++) parameter->data[j] = 0;
  }
  hr_model_invalidate(model);
  CHECK_OK(hr_generation_begin(model, 2));
  CHECK_OK(hr_generation_feed(model, &token, 1));
  CHECK_OK(draw_token(model, 0, 1, &state, &drawn));
  CHECK_INT(drawn, 0);
  for (int i = 0; i < 200; i++) {
    CHECK_OK(draw_token(model, 1, 0.25, &state, &drawn));
    CHECK_THAT(drawn < 3, "token %d is among the first three, whose probabilities reach a quarter", drawn);
  }
  hr_model_destroy(model);
}

/* --------------------------------------------------------------------------------------------- refusals */

static void test_refusals(void) {
  const hr_config config = small_language_model(0, false);
  hr_model *model = new_generator(&config);
  const int32_t tokens[] = {1, 2, 3, 4, 5, 6, 7};
  uint64_t state = 9;
  int32_t drawn = -7;
  CHECK(hr_generation_stale(model));
  CHECK_REFUSED(hr_generation_feed(model, tokens, 1));
  CHECK_OK(hr_generation_begin(model, 17));
  CHECK_INT(hr_generation_session(model), 17);
  CHECK(!hr_generation_stale(model));
  CHECK_REFUSED(draw_token(model, 1, 1, &state, &drawn)); /* nothing was fed */
  static const int32_t COUNTS[] = {0, -1, 7, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++)
    CHECK_REFUSED(hr_generation_feed(model, tokens, COUNTS[i]));
  CHECK_OK(hr_generation_feed(model, tokens, 6));
  hr_real *kept = new_reals(config.vocab_size);
  memcpy(kept, last_logits(model), (size_t)config.vocab_size * sizeof *kept);
  static const int32_t IDS[] = {-1, 11, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof IDS / sizeof *IDS; i++) {
    const int32_t bad[] = {1, IDS[i]};
    CHECK_REFUSED(hr_generation_feed(model, bad, 2));
  }
  static const double BAD[][2] = {{-1, 1},   {(double)NAN, 1},  {-1e-300, 1},     {1, 0},
                                  {1, -0.5}, {1, 1.0000000001}, {1, (double)NAN}, {1, (double)INFINITY}};
  for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
    CHECK_REFUSED(draw_token(model, BAD[i][0], BAD[i][1], &state, &drawn));
  }
  const int32_t repeated[] = {3, 11, -1};
  const hr_sampling good = {1, 1, 11, 1, repeated, 1};
  hr_sampling bad[9];
  for (int i = 0; i < 9; i++) bad[i] = good;
  bad[0].top_tokens = 0;
  bad[1].top_tokens = 12;
  bad[2].repetition_penalty = 0;
  bad[3].repetition_penalty = 1001;
  bad[4].repetition_penalty = (double)NAN;
  bad[5].repeated_count = -1;
  bad[6].repeated_count = 2;
  bad[7].repeated = repeated + 2;
  bad[8].repetition_penalty = 0.0009;
  for (int i = 0; i < 9; i++) CHECK_REFUSED(hr_generation_sample(model, &bad[i], &state, &drawn));
  CHECK(state == 9 && drawn == -7);
  CHECK(same_bits(kept, last_logits(model), config.vocab_size));
  CHECK_OK(draw_token(model, 1, 1, &state, &drawn));
  free(kept);

  /* Other parameters make the cache worthless, by hand or by training. */
  hr_model_invalidate(model);
  CHECK(hr_generation_stale(model));
  CHECK_REFUSED(draw_token(model, 1, 1, &state, &drawn));
  CHECK_REFUSED(hr_generation_feed(model, tokens, 1));
  CHECK_OK(hr_generation_begin(model, 18));
  CHECK_OK(hr_generation_feed(model, tokens, 1));
  const hr_batch batch = {.tokens = tokens, .targets = tokens, .batch = 1, .length = 6};
  hr_result result;
  CHECK_OK(hr_model_evaluate(model, &batch, &result));
  CHECK(!hr_generation_stale(model));
  CHECK_OK(hr_model_train_step(model, &batch, 0.01, 0, &result));
  CHECK(hr_generation_stale(model));
  CHECK_REFUSED(draw_token(model, 1, 1, &state, &drawn));
  CHECK_OK(hr_generation_begin(model, 19));
  CHECK_REFUSED(draw_token(model, 1, 1, &state, &drawn));
  hr_model_destroy(model);

  const hr_config other = small_classifier(0);
  hr_model *classifier = new_model(&other);
  CHECK_REFUSED(hr_generation_begin(classifier, 1));
  CHECK_REFUSED(hr_generation_feed(classifier, tokens, 1));
  CHECK_REFUSED(draw_token(classifier, 1, 1, &state, &drawn));
  CHECK(hr_generation_probabilities(classifier) == NULL);
  CHECK(hr_generation_repeated_buffer(classifier) == NULL);
  hr_model_destroy(classifier);
}

int main(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    for (int pre = 0; pre < 2; pre++) {
      const hr_config config = small_language_model(router, pre);
      test_pieces(config);
      test_window(config, 6, 7);
      test_window(config, 9, 3);
      test_window(config, 5, 0);
      test_window(config, 1, 0);
      test_window(config, 1, 13);
      test_interrupted(config);
    }
  }
  for (int32_t gate = 1; gate < gate_count(); gate++) {
    hr_config config = small_language_model(router_named("hyperrouter"), gate % 2);
    config.gate = gate;
    config.shared_experts = 1;
    config.router_noise = 1;
    /* In a segment experts choose among its tokens; those that are generated are alone. */
    if (gate != gate_named("expert-choice")) test_pieces(config);
    test_window(config, 6, 7);
    test_interrupted(config);
    if (gate > gate_named("sigmoid")) continue;
    config.balance_rate = 0.1;
    test_pieces(config);
    config.capacity_factor = 0.5;
    test_interrupted(config);
  }
  test_frequencies();
  test_probabilities();
  test_extremes_of_drawing();
  test_refusals();
  return test_report("generation");
}
