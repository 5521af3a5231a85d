/* What the benchmark times below the public interface: the register peak, bare matrix products and a bare mixture of
 * experts. Built into modules of its own (CMakeLists.txt here) with the flags of the shipped ones; the names are known
 * to kernels.js alone. Every export that is timed takes a number of iterations, so that a call is long beside the
 * clock and short beside the tiering of the JavaScript engine (a loop that is entered once stays in its slow code). */
#include <stdlib.h>

#include "base/random.h"
#include "kernels/matmul.h"
#include "moe.h"
#include "optimizer.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

static hr_real *random_reals(int64_t n, double deviation, uint64_t key) {
  hr_real *x = malloc((size_t)n * sizeof *x);
  if (x) hr_fill_normal(x, (int32_t)n, 0, deviation, key);
  return x;
}

/* --------------------------------------------------------------------------------------- the register peak */

/* What the floating-point units do on registers alone. Three kernels, since no one of them reaches the limit under every
 * compiler and processor; the peak is the best of them.
 *   chain           12 sums, sum = sum * a + b. The fused one needs 8 of them (latency 4, two a cycle) and reaches the
 *                   limit; multiply and add apart take 6 or 7 cycles behind each other, so that 12 sums may not do.
 *   pairs           6 sums and 6 products, product = product * a and sum = sum + product: as many operations, in
 *                   chains of half the length. In either order, because what an engine makes of them differs. Never
 *                   fused.
 * Unrolled further, V8 puts the links of one chain behind each other, more than the processor looks ahead. */
enum {
  PEAK_CHAIN = 0,
  PEAK_PAIRS_ADD_FIRST = 1,
  PEAK_PAIRS_MULTIPLY_FIRST = 2,
  PEAK_SUMS = 12,
  PEAK_PAIRS = 6
};

/* Of an iteration of any of them. */
int32_t EXPORT(peak_flops)(void) {
  return 2 * 2 * HR_LANES * PEAK_SUMS;
}

static float total(const hr_vec *sums, int count) {
  hr_vec all = hr_splat(0);
  for (int i = 0; i < count; i++) all += sums[i];
  return (float)hr_sum_lanes(all);
}

static float peak_chain(int32_t iterations, float factor) {
  hr_vec sums[PEAK_SUMS];
  const hr_vec a = hr_splat(factor), b = hr_splat(1 - factor);
  for (int i = 0; i < PEAK_SUMS; i++) sums[i] = hr_splat((hr_real)i);
#pragma clang loop unroll(disable)
  for (int32_t n = 0; n < iterations; n++) {
#pragma GCC unroll 12
    for (int i = 0; i < PEAK_SUMS; i++) sums[i] = hr_madd(sums[i], a, b);
#pragma GCC unroll 12
    for (int i = 0; i < PEAK_SUMS; i++) sums[i] = hr_madd(sums[i], a, b);
  }
  return total(sums, PEAK_SUMS);
}

/* factor is 1, which the compiler does not know: the products stay as they are, and the sums small. */
static inline float peak_pairs(int32_t iterations, float factor, bool add_first) {
  hr_vec sums[PEAK_PAIRS], products[PEAK_PAIRS];
  const hr_vec a = hr_splat(factor);
  for (int i = 0; i < PEAK_PAIRS; i++) {
    sums[i] = hr_splat((hr_real)i);
    products[i] = hr_splat((hr_real)(i + 1) * 1e-9f);
  }
#pragma clang loop unroll(disable)
  for (int32_t n = 0; n < 4 * iterations; n++) {
#pragma GCC unroll 6
    for (int i = 0; i < PEAK_PAIRS; i++) {
      if (add_first) sums[i] += products[i];
      products[i] *= a;
      if (!add_first) sums[i] += products[i];
    }
  }
  return total(sums, PEAK_PAIRS);
}

float EXPORT(peak_run)(int32_t kernel, int32_t iterations, float factor) {
  switch (kernel) {
  case PEAK_CHAIN:
    return peak_chain(iterations, factor);
  case PEAK_PAIRS_ADD_FIRST:
    return peak_pairs(iterations, factor, true);
  case PEAK_PAIRS_MULTIPLY_FIRST:
    return peak_pairs(iterations, factor, false);
  default:
    return 0;
  }
}

/* ----------------------------------------------------------------------------------------- matrix products */

/* The three forms of matmul.h for `rows` tokens and a weight W [out,in]. */
typedef enum product_form { FORWARD = 0, GRADIENT_OF_INPUT = 1, GRADIENT_OF_WEIGHT = 2 } product_form;

typedef struct product {
  hr_real *c, *scratch;
  hr_matrix a, b;
  int32_t m, n, k;
  hr_store_mode mode;
} product;

product *EXPORT(product_create)(int32_t form, int32_t rows, int32_t in, int32_t out) {
  product *self = malloc(sizeof *self);
  if (!self) return NULL;
  hr_real *x = random_reals((int64_t)rows * in, 1, 1), *y = random_reals((int64_t)rows * out, 1, 2);
  hr_real *w = random_reals((int64_t)in * out, 0.1, 3);
  if (!x || !y || !w) return NULL;
  switch ((product_form)form) {
  case FORWARD:
    *self = (product){y, NULL, hr_rows(x, in), hr_transposed(w, in), rows, out, in, HR_OVERWRITE};
    break;
  case GRADIENT_OF_INPUT:
    *self = (product){x, NULL, hr_rows(y, out), hr_rows(w, in), rows, in, out, HR_OVERWRITE};
    break;
  case GRADIENT_OF_WEIGHT:
    *self = (product){w, NULL, hr_transposed(y, out), hr_rows(x, in), out, in, rows, HR_ACCUMULATE};
    break;
  }
  self->scratch = malloc((size_t)hr_matmul_scratch(self->n, self->k) * sizeof(hr_real));
  return self->scratch ? self : NULL;
}

static void multiply(const product *self, hr_real *c, hr_store_mode mode) {
  hr_matmul(c, self->n, self->a, self->b, self->m, self->n, self->k, mode, self->scratch);
}

void EXPORT(product_run)(const product *self, int32_t iterations) {
  for (int32_t i = 0; i < iterations; i++) multiply(self, self->c, self->mode);
}

/* Largest difference from the plain loops, over the largest number: whether what is timed is right. */
double EXPORT(product_error)(const product *self) {
  const int32_t size = self->m * self->n;
  hr_real *c = malloc((size_t)size * sizeof *c), *reference = malloc((size_t)size * sizeof *reference);
  if (!c || !reference) return -1;
  multiply(self, c, HR_OVERWRITE);
  hr_matmul_ref(reference, self->n, self->a, self->b, self->m, self->n, self->k, HR_OVERWRITE);
  double worst = 0, largest = 0;
  for (int32_t i = 0; i < size; i++) {
    double difference = (double)__builtin_fabsf(c[i] - reference[i]),
           magnitude = (double)__builtin_fabsf(reference[i]);
    if (!(difference <= worst)) worst = difference;
    if (magnitude > largest) largest = magnitude;
  }
  free(c);
  free(reference);
  return worst / largest;
}

/* ----------------------------------------------------------------------------------- a mixture of experts */

/* The layer alone, with the router `smoe` (one trained matrix: what every contestant can do), and the loss
 * mean((y - target)^2). */
typedef struct layer {
  hr_config config;
  hr_parameters parameters;
  hr_moe moe;
  hr_moe_scratch scratch;
  hr_pass pass;
  hr_real *x, *y, *dx, *dy, *target; /* [N,D] */
  int64_t step;
} layer;

static int32_t router_named(const char *name) {
  int32_t index = 0;
  while (hr_router_at(index) && strcmp(hr_router_at(index)->option.name, name) != 0) index++;
  return index;
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static void plan_layer(layer *self, hr_arena *arena) {
  const hr_config *config = &self->config;
  const int32_t n = config->batch_size, d = config->d_model, f = config->d_inner, e = config->experts;
  hr_parameters_place(&self->parameters, arena);
  hr_moe_plan(&self->moe, arena, config, n);
  hr_moe_scratch_plan(&self->scratch, arena, config, n);
  self->x = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, d);
  self->y = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, d);
  self->dx = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, d);
  self->dy = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, d);
  self->target = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, d);
  const int64_t columns = larger(larger(d, f), e), depth = larger(columns, (int64_t)n * config->top_k);
  self->pass.matmul_scratch_size = hr_matmul_scratch(columns, depth);
  self->pass.matmul_scratch = hr_arena_reals(arena, HR_MEMORY_SCRATCH, self->pass.matmul_scratch_size, 1);
}

layer *EXPORT(layer_create)(int32_t tokens, int32_t d, int32_t f, int32_t experts, int32_t top_k) {
  layer *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  hr_config *config = &self->config;
  hr_config_default(config, HR_CLASSIFIER);
  config->batch_size = tokens;
  config->context_length = 1;
  config->d_model = d;
  config->d_inner = f;
  config->experts = experts;
  config->top_k = top_k;
  config->router = router_named("smoe");
  self->pass = (hr_pass){.segment = {.batch = tokens, .length = 1}, .top_k = top_k};
  /* Counted first, and then declared and planned again with memory: as hr_model_create does. */
  layer counted = *self;
  hr_arena arena = {.threads = 1};
  hr_moe_declare(&counted.moe, &counted.parameters, config, 0);
  hr_parameter *table = calloc((size_t)counted.parameters.count, sizeof *table);
  plan_layer(&counted, &arena);
  char *memory = calloc((size_t)arena.used, 1);
  if (!table || !memory) return NULL;
  self->parameters.table = table;
  hr_moe_declare(&self->moe, &self->parameters, config, 0);
  arena = (hr_arena){.base = memory, .threads = 1};
  plan_layer(self, &arena);
  hr_parameters_initialise(&self->parameters, 1);
  hr_fill_normal(self->x, tokens * d, 0, 1, 2);
  hr_fill_normal(self->target, tokens * d, 0, 1, 3);
  return self;
}

typedef enum layer_work { LAYER_FORWARD = 0, LAYER_GRADIENTS = 1, LAYER_STEP = 2 } layer_work;

/* Returns the loss of the last iteration. The learning rate is so small that the routing stays as it is. */
double EXPORT(layer_run)(layer *self, int32_t iterations, int32_t work, double learning_rate) {
  const int32_t size = self->config.batch_size * self->config.d_model;
  double loss = 0;
  for (int32_t i = 0; i < iterations; i++) {
    hr_moe_forward(&self->moe, self->y, self->x, &self->scratch, &self->pass);
    if (work == LAYER_FORWARD) continue;
    /* The gradients of the experts are set, those of the router and of x are added to. */
    const hr_router *router = &self->moe.router;
    memset(router->weight_grad, 0, (size_t)router->experts * (size_t)router->d_model * sizeof(hr_real));
    memset(router->bias_grad, 0, (size_t)router->experts * sizeof(hr_real));
    memset(self->dx, 0, (size_t)size * sizeof *self->dx);
    const hr_real scale = 2 / (hr_real)size;
    for (int32_t j = 0; j < size; j++) self->dy[j] = scale * (self->y[j] - self->target[j]);
    hr_moe_backward(&self->moe, self->dx, self->dy, self->x, &self->scratch, &self->pass);
    if (work == LAYER_STEP)
      hr_optimizer_step(&self->parameters, &self->config, ++self->step, learning_rate, 0, 0, NULL);
  }
  for (int32_t j = 0; j < size; j++) {
    double off = (double)(self->y[j] - self->target[j]);
    loss += off * off;
  }
  return loss / size;
}

/* Largest share of the assignments that one expert has. */
double EXPORT(layer_largest_load)(const layer *self) {
  int32_t most = 0;
  for (int32_t e = 0; e < self->config.experts; e++) {
    if (self->moe.dispatch.counts[e] > most) most = self->moe.dispatch.counts[e];
  }
  return (double)most / (self->config.batch_size * self->config.top_k);
}
