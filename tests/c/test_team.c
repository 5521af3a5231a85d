/* Threads: every part of every task is done once, and a model computes the same bits with any number of them. */
#include "base/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

enum { MOST = 4 };
/* Threads of the largest team that is tried, and steps that each model is trained. */
static int32_t most = MOST, steps = 2;

typedef struct server {
  hr_team *team;
  int32_t thread;
  pthread_t handle;
} server;

static void *serve(void *argument) {
  const server *self = argument;
  hr_team_serve(self->team, self->thread);
  return NULL;
}

static hr_team *start(server *servers, int32_t threads) {
  hr_team *team = hr_team_create(threads);
  for (int32_t i = 1; i < threads; i++) {
    servers[i] = (server){.team = team, .thread = i};
    CHECK_INT(pthread_create(&servers[i].handle, NULL, serve, &servers[i]), 0);
  }
  return team;
}

static void stop(hr_team *team, server *servers, int32_t threads) {
  hr_team_dissolve(team);
  for (int32_t i = 1; i < threads; i++) pthread_join(servers[i].handle, NULL);
  hr_team_destroy(team);
}

enum { PARTS = 97 };

typedef struct tally {
  _Atomic int32_t done[PARTS];
  _Atomic int32_t strangers; /* parts done by a thread that the team does not have */
  int32_t threads;
} tally;

static void count(void *context, int32_t part, int32_t thread) {
  tally *self = context;
  atomic_fetch_add(&self->done[part], 1);
  if (thread < 0 || thread >= self->threads) atomic_fetch_add(&self->strangers, 1);
}

static void check_parts(int32_t threads) {
  server servers[MOST];
  hr_team *team = start(servers, threads);
  tally *self = calloc(1, sizeof *self);
  self->threads = threads;
  /* Many short tasks, one behind the other: threads come late to some of them. */
  enum { TASKS = 500 };
  for (int32_t task = 0; task < TASKS; task++) hr_team_run(team, count, self, task % PARTS + 1);
  test_context("%d threads", threads);
  for (int32_t part = 0; part < PARTS; part++) {
    int32_t expected = 0;
    for (int32_t task = 0; task < TASKS; task++) expected += task % PARTS >= part;
    CHECK_INT(atomic_load(&self->done[part]), expected);
  }
  CHECK_INT(atomic_load(&self->strangers), 0);
  free(self);
  stop(team, servers, threads);
}

/* Trains a model for a few steps and returns what it has become. */
static uint64_t train(const hr_config *config, hr_team *team, int32_t top_k) {
  hr_model *model;
  CHECK_OK(hr_model_create_for_team(&model, config, team, NULL));
  CHECK_OK(hr_model_set_top_k(model, top_k));
  for (int32_t step = 0; step < steps; step++) {
    sample data = new_sample(model, (uint64_t)step + 1);
    hr_result result;
    CHECK_OK(hr_model_train_step(model, &data.batch, 1e-2, 0.5, &result));
    free_sample(&data);
  }
  const uint64_t bits = fingerprint(model);
  hr_model_destroy(model);
  return bits;
}

static void check_bits(const hr_config *given, int32_t top_k) {
  hr_config config = *given;
  random_seed(7);
  const uint64_t alone = train(&config, NULL, top_k);
  /* Two, and the most. */
  for (int32_t threads = 2; threads <= most; threads += MOST - 2) {
    server servers[MOST];
    hr_team *team = start(servers, threads);
    test_context("%s, %s, layer norm %s, K %d, %d threads", router_name(config.router),
                 gate_name(config.gate), config.pre_layer_norm ? "before" : "after", top_k, threads);
    random_seed(7);
    CHECK(train(&config, team, top_k) == alone);
    stop(team, servers, threads);
  }
}

/* Large enough for products to be shared, small enough for the sanitizers. */
static hr_config shared_model(int32_t router, bool pre_layer_norm) {
  hr_config config;
  hr_config_default(&config, HR_LANGUAGE_MODEL);
  config.vocab_size = 53;
  config.layers = 1;
  config.d_model = 34;
  config.heads = 3;
  config.d_head = 7;
  config.d_inner = 37;
  config.experts = 3;
  config.router = router;
  config.pre_layer_norm = pre_layer_norm;
  config.context_length = 41;
  config.memory_length = 20;
  config.batch_size = 7;
  config.dropout = 0.1;
  config.attention_dropout = 0.1;
  return config;
}

/* With an argument, two threads and one step: enough to see a race, where each access is watched and slow. */
int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) most = 2, steps = 1;
  for (int32_t threads = 1; threads <= most; threads++) check_parts(threads);
  for (int32_t router = 0; router < router_count(); router++) {
    hr_config config = shared_model(router, router % 2);
    check_bits(&config, config.top_k);
  }
  for (int32_t gate = 1; gate < gate_count(); gate++) {
    hr_config gated = shared_model(router_named("cosine"), gate % 2);
    gated.gate = gate;
    gated.shared_experts = 1;
    if (gate == gate_named("relu")) gated.sparsity_weight = 0.1;
    if (gate <= gate_named("sigmoid")) {
      gated.capacity_factor = 1;
      gated.balance_rate = 0.01;
      gated.load_balance_weight = 0.1;
    }
    check_bits(&gated, gated.top_k);
    gated.router = router_named("smoe");
    gated.router_noise = 1;
    check_bits(&gated, 3);
  }
  /* More experts per token than memory was planned for: several chunks. */
  hr_config config = shared_model(0, false);
  config.top_k = 1;
  check_bits(&config, 3);

  hr_config classifier;
  hr_config_default(&classifier, HR_CLASSIFIER);
  classifier.batch_size = 300;
  classifier.classes = 3;
  check_bits(&classifier, 2);
  classifier.kind = HR_REGRESSOR;
  classifier.outputs = 5;
  check_bits(&classifier, 2);

  hr_config text = shared_model(0, false);
  text.kind = HR_TEXT_CLASSIFIER;
  text.head_dropout = 0.1;
  check_bits(&text, 2);
  text.pre_layer_norm = 1;
  text.gate = gate_named("expert-choice");
  check_bits(&text, 2);
  return test_report("team");
}
