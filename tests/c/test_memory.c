/* Memory. The linker sends malloc and its kin, and everything that the engine cuts from its arena, through the functions
 * below (CMakeLists.txt): allocations can be counted and refused, and each buffer of the arena can be given a block of
 * its own, of the exact size and full of NaN, so that the sanitizer sees a step over the edge of any buffer and the
 * results tell of any number that was read before it was written. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "life.h"
#include "testing.h"

static int64_t allocations, frees;
static size_t refused_above = SIZE_MAX;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

/* Compilers make one calloc of a malloc and a memset. */
void *__wrap_malloc(size_t size) {
  if (size > refused_above) return NULL;
  allocations++;
  return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  if (count * size > refused_above) return NULL;
  allocations++;
  return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
  allocations++;
  return __real_realloc(memory, size);
}

void __wrap_free(void *memory) {
  frees += memory != NULL;
  __real_free(memory);
}

/* ---------------------------------------------------------------------------------------- the arena apart */

enum { MOST_BLOCKS = 4096 };

static bool apart;
static void *blocks[MOST_BLOCKS];
static int32_t block_count;

void *__real_hr_arena_take(hr_arena *arena, hr_memory_kind kind, uint64_t count, uint64_t size);
void *__wrap_hr_arena_take(hr_arena *arena, hr_memory_kind kind, uint64_t count, uint64_t size);
hr_real *__wrap_hr_arena_reals(hr_arena *arena, hr_memory_kind kind, int64_t rows, int64_t columns);
int32_t *__wrap_hr_arena_ints(hr_arena *arena, hr_memory_kind kind, int64_t rows, int64_t columns);

/* The model itself comes first and stays in the arena, since that is what is freed in the end. */
void *__wrap_hr_arena_take(hr_arena *arena, hr_memory_kind kind, uint64_t count, uint64_t size) {
  const bool first = arena->used == 0;
  void *taken = __real_hr_arena_take(arena, kind, count, size);
  if (!apart || !arena->base || first) return taken;
  if (block_count == MOST_BLOCKS) {
    printf("a model has more than %d buffers\n", MOST_BLOCKS);
    exit(2);
  }
  const size_t bytes = (size_t)(count * size);
  void *block = __real_malloc(bytes);
  /* What is promised to be zero at first, and what nobody may count on. */
  const bool unwritten =
      kind == HR_MEMORY_ACTIVATIONS || kind == HR_MEMORY_SCRATCH || kind == HR_MEMORY_CONTEXT;
  memset(block, unwritten ? 0xff : 0, bytes);
  blocks[block_count++] = block;
  return block;
}

hr_real *__wrap_hr_arena_reals(hr_arena *arena, hr_memory_kind kind, int64_t rows, int64_t columns) {
  return __wrap_hr_arena_take(arena, kind, (uint64_t)rows * (uint64_t)columns, sizeof(hr_real));
}

int32_t *__wrap_hr_arena_ints(hr_arena *arena, hr_memory_kind kind, int64_t rows, int64_t columns) {
  return __wrap_hr_arena_take(arena, kind, (uint64_t)rows * (uint64_t)columns, sizeof(int32_t));
}

static hr_model *new_model_apart(const hr_config *config) {
  apart = true;
  hr_model *model = new_model(config);
  apart = false;
  return model;
}

static void destroy_apart(hr_model *model) {
  hr_model_destroy(model);
  while (block_count > 0) __real_free(blocks[--block_count]);
}

/* ----------------------------------------------------------------------------------------------- lives */

/* A life lived in buffers of exact size, full of NaN, is the life lived in the arena; and neither allocates. */
static void check_life(hr_config config, const char *what) {
  test_context("%s %s, %s, %s layer norm", what,
               config.kind == HR_LANGUAGE_MODEL ? "language model" : "classifier", router_name(config.router),
               config.pre_layer_norm ? "pre" : "post");
  hr_model *model = new_model(&config), *exact = new_model_apart(&config);
  const hr_config *c = hr_model_config(model);
  const int64_t size = (int64_t)c->batch_size * c->memory_length * c->d_model;
  /* Memory that was never written has no meaning; both begin with the same. */
  for (int32_t layer = 0; layer < c->layers && size > 0; layer++)
    memset(hr_model_memory(model, layer), 0xff, (size_t)size * sizeof(hr_real));
  const int64_t before = allocations, freed = frees;
  const uint64_t expected = live(model, 7), got = live(exact, 7);
  CHECK_INT(allocations, before);
  CHECK_INT(frees, freed);
  CHECK_THAT(got == expected, "the same bits with buffers apart");
  hr_model_destroy(model);
  destroy_apart(exact);
}

static void test_lives(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    for (int pre = 0; pre < 2; pre++) {
      hr_config config = small_language_model(router, pre);
      if (router == router_named("smoe")) config.load_balance_weight = config.router_z_weight = 0.01;
      check_life(config, "small");
      config.dropout = config.attention_dropout = 0.3;
      check_life(config, "dropping");
      config.memory_length = 0;
      check_life(config, "forgetful");
      config.context_length = 1;
      check_life(config, "shortest");
      config.memory_length = 29;
      config.vocab_size = 3;
      config.batch_size = 1;
      check_life(config, "remembering");
      config.d_model = 2;
      config.heads = config.d_head = config.d_inner = config.hyper_size = config.layers = 1;
      config.experts = config.top_k = 1;
      check_life(config, "least");
      /* Sizes of which each in turn is the largest, as a product's scratch is planned for the largest. */
      if (pre == router % 2) {
        config = small_language_model(router, pre);
        config.memory_length = 270;
        check_life(config, "far back");
        config = small_language_model(router, pre);
        config.hyper_size = 270;
        check_life(config, "hyper");
        config.hyper_size = 3;
        config.d_head = 90;
        check_life(config, "broad headed");
        config = small_language_model(router, pre);
        config.context_length = 70;
        config.top_k = 5;
        check_life(config, "long");
      }

      config = small_text_classifier(router, pre);
      config.head_dropout = 0.2;
      check_life(config, "text");
      if (!router_fits(router, HR_CLASSIFIER)) continue;
      config = small_regressor(router);
      config.pre_layer_norm = pre;
      check_life(config, "regressor");
      config = small_classifier(router);
      config.pre_layer_norm = pre;
      config.dropout = 0.2;
      check_life(config, "small");
      config.batch_size = 270;
      config.top_k = 1;
      check_life(config, "many");
      if (!router_fits(router, HR_CLASSIFIER)) continue;
      config = small_classifier(router);
      config.input_size = 280;
      check_life(config, "wide");
    }
  }
  for (int32_t gate = 1; gate < gate_count(); gate++) {
    for (int32_t router = 0; router < router_count(); router++) {
      const int32_t traits = router_option(router)->traits;
      if (!(traits & HR_TRAIT_GATED)) continue;
      hr_config config = small_language_model(router, gate % 2);
      config.gate = gate;
      config.shared_experts = 3;
      config.router_noise = (traits & HR_TRAIT_MATRIX) != 0;
      if (gate == gate_named("relu")) config.sparsity_weight = 0.1;
      if (gate <= gate_named("sigmoid")) {
        config.capacity_factor = 0.7;
        config.balance_rate = 0.01;
        if (traits & HR_TRAIT_LEARNS) config.load_balance_weight = config.router_z_weight = 0.01;
      }
      check_life(config, gate_name(gate));
      config.router_size = 270;
      config.shared_experts = 90;
      check_life(config, "broad");
      config.batch_size = config.context_length = 1;
      check_life(config, "one token");
      config = small_classifier(router);
      config.gate = gate;
      config.experts = config.top_k = 1;
      check_life(config, "one expert");
    }
  }
  test_context("%s", "");
}

/* ------------------------------------------------------------------------------- creating and destroying */

static void test_create_and_destroy(void) {
  const int64_t allocated = allocations, freed = frees;
  for (int32_t i = 0; i < 200; i++) {
    hr_config config = i % 2 ? small_classifier(i % 4) : small_language_model(i / 2 % 4, i % 3 == 0);
    config.seed = (uint32_t)i;
    hr_model *model;
    uint64_t bytes, kinds = 0;
    CHECK_OK(hr_model_create(&model, &config, i % 5 ? &bytes : NULL));
    if (i % 5) {
      for (int32_t kind = 0; kind < HR_MEMORY_KINDS; kind++)
        kinds += hr_model_bytes(model, (hr_memory_kind)kind);
      CHECK_INT(bytes, kinds);
    }
    hr_model_destroy(model);
  }
  hr_model_destroy(NULL);
  CHECK_INT(allocations - allocated, 200);
  CHECK_INT(frees - freed, 200);
}

static void check_too_large(hr_config config, uint64_t at_least) {
  const int64_t allocated = allocations, freed = frees;
  hr_model *model = (hr_model *)&config;
  uint64_t bytes = 0;
  CHECK_INT(hr_model_create(&model, &config, &bytes), HR_ERROR_MEMORY);
  CHECK(model == NULL);
  CHECK_THAT(bytes >= at_least, "%llu bytes are at least %llu", (unsigned long long)bytes,
             (unsigned long long)at_least);
  CHECK_INT(hr_model_create(&model, &config, NULL), HR_ERROR_MEMORY);
  CHECK_INT(allocations - allocated, frees - freed);
}

/* The largest value of every field at once, and of each alone where that is too much. */
static void test_too_large(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    for (int pre = 0; pre < 2; pre++) {
      hr_config config = small_language_model(router, pre);
      config.vocab_size = 1 << 20;
      config.d_model = 1 << 14;
      check_too_large(config, (uint64_t)4 << 34);
      config = small_language_model(router, pre);
      config.batch_size = 1 << 20;
      config.context_length = 1 << 16;
      check_too_large(config, (uint64_t)4 << 36);
      config.context_length = 1 << 9;
      check_too_large(config, (uint64_t)4 << 29);
      config.batch_size = 1 << 10;
      config.context_length = 1 << 16;
      config.memory_length = 1 << 16;
      check_too_large(config, (uint64_t)4 << 42);
      config = small_language_model(router, pre);
      config.vocab_size = 1 << 20;
      config.layers = 128;
      config.heads = 1024;
      config.d_model = 1 << 14;
      config.d_head = 4096;
      config.d_inner = 1 << 16;
      config.experts = config.top_k = 1024;
      config.hyper_size = 1 << 16;
      config.context_length = config.memory_length = 1 << 16;
      config.batch_size = 1 << 14;
      check_too_large(config, (uint64_t)1 << 50);
      config.batch_size = 1 << 20;
      check_too_large(config, (uint64_t)1 << 50);

      if (!router_fits(router, HR_CLASSIFIER)) continue;
      config = small_classifier(router);
      config.input_size = config.classes = config.batch_size = 1 << 20;
      check_too_large(config, (uint64_t)4 << 40);
    }
  }
}

/* A system without the memory: the bytes that would have been needed are told, and nothing stays behind. */
static void test_no_memory(void) {
  hr_config config = small_language_model(0, false);
  hr_model *model = new_model(&config);
  uint64_t needed = 0, bytes = 0;
  for (int32_t kind = 0; kind < HR_MEMORY_KINDS; kind++)
    needed += hr_model_bytes(model, (hr_memory_kind)kind);
  hr_model_destroy(model);
  const int64_t allocated = allocations, freed = frees;
  refused_above = 4096;
  const hr_status status = hr_model_create(&model, &config, &bytes);
  refused_above = SIZE_MAX;
  CHECK_INT(status, HR_ERROR_MEMORY);
  CHECK(model == NULL);
  CHECK_INT(bytes, needed);
  CHECK_INT(allocations - allocated, frees - freed);
}

int main(void) {
  test_lives();
  test_create_and_destroy();
  test_too_large();
  test_no_memory();
  return test_report("memory");
}
