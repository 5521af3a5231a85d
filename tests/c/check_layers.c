/* Gradients of single layers against differences, those of their inputs above all, which whole models show only through
 * what comes before. The loss of a layer is a fixed random combination of its outputs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "attention.h"
#include "base/math.h"
#include "differences.h"
#include "feedforward.h"
#include "input.h"
#include "kernels/vector.h"
#include "output.h"
#include "pool.h"
#include "testing.h"

enum { ARENA = 8 << 20, TENSORS = 32 };

/* A layer with its parameters, outside any model. */
typedef struct bench {
  void *memory;
  hr_arena arena;
  hr_parameter table[TENSORS];
  hr_parameters parameters;
  hr_pass pass;
  hr_real *x, *y, *dy; /* input, output, and its gradient: the combination */
  int32_t inputs, outputs;
  void (*forward)(struct bench *self);
  int32_t *experts; /* those that the gradient was taken with, where there are any */

  hr_norm norm;
  hr_real *stats;
  hr_feedforward feedforward;
  hr_feedforward_scratch feedforward_scratch;
  hr_attention attention;
  hr_attention_scratch attention_scratch;
  hr_real *memory_rows, *positions, *centred;
  hr_input input;
  hr_pool pool;
  hr_output output;
  int32_t *targets, *tokens;
  hr_real *values;
} bench;

static differences total;

static void open_bench(bench *self, int32_t batch, int32_t length, int32_t memory, double dropout) {
  *self = (bench){.memory = calloc(1, ARENA)};
  self->arena.base = self->memory;
  self->parameters.table = self->table;
  self->pass = (hr_pass){.segment = {batch, length, memory},
                         .dropout = dropout,
                         .attention_dropout = dropout / 2,
                         .key = 12345,
                         .matmul_scratch = new_reals(hr_matmul_scratch(1000, 1000))};
}

static void close_bench(bench *self) {
  free(self->pass.matmul_scratch);
  free(self->x);
  free(self->y);
  free(self->dy);
  free(self->experts);
  free(self->memory);
}

static void place_parameters(bench *self) {
  hr_parameters_place(&self->parameters, &self->arena);
  for (int32_t i = 0; i < self->parameters.count; i++) randomise_tensor(&self->table[i]);
}

static void place_data(bench *self, int32_t inputs, int32_t outputs) {
  self->inputs = inputs;
  self->outputs = outputs;
  self->x = new_normal(inputs, 1);
  self->y = new_reals(outputs);
  self->dy = new_normal(outputs, 1);
}

static double loss(void *memory, bool *comparable) {
  bench *self = memory;
  self->forward(self);
  const hr_moe *moe = &self->feedforward.moe;
  for (int32_t i = 0; self->experts && i < moe->assignments.tokens * moe->assignments.k; i++)
    *comparable = *comparable && self->experts[i] == moe->assignments.experts[i];
  double sum = 0;
  for (int32_t i = 0; i < self->outputs; i++) sum += (double)self->dy[i] * (double)self->y[i];
  return sum;
}

static hr_real *copy(const hr_real *x, int64_t n) {
  hr_real *y = new_reals(n);
  memcpy(y, x, (size_t)n * sizeof *x);
  return y;
}

/* After a backward pass: dx, of the inputs, and the gradients of all tensors against differences. */
static void check_all(bench *self, const hr_real *dx) {
  char name[128];
  total.loss = loss;
  total.self = self;
  check_gradient(&total, "input", self->x, dx, self->inputs);
  for (int32_t i = 0; i < self->parameters.count; i++) {
    hr_parameter *parameter = &self->table[i];
    if (parameter->role != HR_TRAINED) continue;
    hr_real *gradient = copy(parameter->grad, parameter->size);
    snprintf(name, sizeof name, "%s", parameter->name);
    check_gradient(&total, name, parameter->data, gradient, parameter->size);
    free(gradient);
  }
}

/* --------------------------------------------------------------------------------------------- layer norm */

static void norm_forward(bench *self) {
  const int32_t n = hr_pass_tokens(&self->pass), d = self->inputs / n;
  hr_norm_forward(&self->norm, self->y, self->stats, self->x, n, d);
}

static void check_norm(int32_t n, int32_t d) {
  test_context("layer norm of %d rows of %d", n, d);
  bench self;
  open_bench(&self, n, 1, 0, 0);
  hr_norm_declare(&self.norm, &self.parameters, 0, "layer_norm.weight", "layer_norm.bias", d);
  place_parameters(&self);
  place_data(&self, n * d, n * d);
  self.stats = hr_arena_reals(&self.arena, HR_MEMORY_SCRATCH, n, 2);
  self.forward = norm_forward;
  self.forward(&self);
  hr_real *dx = new_reals(n * d), *in_place = copy(self.dy, n * d);
  hr_norm_backward(&self.norm, dx, self.dy, self.x, self.stats, n, d);
  check_all(&self, dx);
  hr_norm_backward(&self.norm, in_place, in_place, self.x, self.stats, n, d);
  self.forward(&self);
  CHECK_NEAR(largest_difference(dx, in_place, n * d), 0, 1e-7 * largest(dx, n * d));
  free(dx);
  free(in_place);
  close_bench(&self);
}

/* ------------------------------------------------------------------------------------------ feed-forward */

static void feedforward_forward(bench *self) {
  hr_feedforward_generate(&self->feedforward, &self->pass);
  hr_feedforward_forward(&self->feedforward, self->y, self->x, &self->feedforward_scratch, &self->pass);
}

static void check_feedforward(int32_t router, bool pre, int32_t d, double dropout, int32_t planned_k,
                              int32_t k) {
  test_context("feed-forward, %s, %s layer norm, width %d, dropout %g, K %d for %d", router_name(router),
               pre ? "pre" : "post", d, dropout, k, planned_k);
  const int32_t n = 9;
  hr_config config = small_classifier(router);
  config.d_model = d;
  config.pre_layer_norm = pre;
  config.top_k = planned_k;
  bench self;
  open_bench(&self, n, 1, 0, dropout);
  self.pass.top_k = k;
  self.tokens = new_ints(n);
  random_tokens(self.tokens, n, config.vocab_size);
  self.pass.tokens = self.tokens;
  hr_feedforward_declare(&self.feedforward, &self.parameters, &config, 1);
  place_parameters(&self);
  hr_feedforward_plan(&self.feedforward, &self.arena, &config, n);
  hr_feedforward_scratch_plan(&self.feedforward_scratch, &self.arena, &config, n);
  place_data(&self, n * d, n * d);
  self.forward = feedforward_forward;
  self.forward(&self);
  if (router_routes(router)) {
    self.experts = new_ints(n * k);
    memcpy(self.experts, self.feedforward.moe.assignments.experts, (size_t)(n * k) * sizeof(int32_t));
  }
  hr_real *dx = copy(self.dy, n * d);
  hr_feedforward_backward(&self.feedforward, dx, self.x, &self.feedforward_scratch, &self.pass);
  check_all(&self, dx);
  free(dx);
  free(self.tokens);
  close_bench(&self);
  CHECK_THAT(self.arena.used < ARENA, "the arena of this check is large enough");
}

/* --------------------------------------------------------------------------------------------- attention */

static void attention_forward(bench *self) {
  hr_attention_forward(&self->attention, self->y, self->x, self->memory_rows, self->positions,
                       &self->attention_scratch, &self->pass);
}

/* starts: of streams that differ in length; NULL for streams of the same length. */
static void check_attention(bool pre, int32_t batch, int32_t length, int32_t memory, int32_t room,
                            double dropout, const int32_t *starts) {
  test_context("attention, %s layer norm, %d x %d behind %d of %d, dropout %g", pre ? "pre" : "post", batch,
               length, memory, room, dropout);
  hr_config config = small_language_model(0, pre);
  config.batch_size = batch;
  config.context_length = length;
  config.memory_length = room;
  const int32_t n = starts ? starts[batch] : batch * length, s = length + memory, d = config.d_model;
  bench self;
  open_bench(&self, batch, length, memory, dropout);
  self.pass.starts = starts;
  hr_attention_declare(&self.attention, &self.parameters, &config, 1);
  self.attention.u_bias = hr_parameters_declare(&self.parameters, -1, "r_w_bias", HR_INITIAL_SMALL,
                                                HR_TRAINED, config.heads, config.d_head, 0);
  self.attention.w_bias = hr_parameters_declare(&self.parameters, -1, "r_r_bias", HR_INITIAL_SMALL,
                                                HR_TRAINED, config.heads, config.d_head, 0);
  place_parameters(&self);
  hr_attention_plan(&self.attention, &self.arena, &config, s);
  hr_attention_scratch_plan(&self.attention_scratch, &self.arena, &config, s);
  place_data(&self, n * d, n * d);
  self.memory_rows = new_normal((int64_t)batch * room * d, 1);
  self.positions = new_reals(s * d);
  self.centred = new_reals(s * d);
  hr_positions(self.positions, self.centred, s, d);
  self.forward = attention_forward;
  self.forward(&self);
  /* The backward pass may be given positions less a row that all have in common. */
  hr_real *dx = copy(self.dy, n * d), *again = copy(self.dy, n * d);
  hr_attention_backward(&self.attention, dx, self.x, self.memory_rows, self.centred, &self.attention_scratch,
                        &self.pass);
  check_all(&self, dx);
  hr_real *gradient = copy(self.attention.r->grad, self.attention.r->size);
  hr_fill(self.attention.r->grad, 0, self.attention.r->size);
  self.forward(&self);
  hr_attention_backward(&self.attention, again, self.x, self.memory_rows, self.positions,
                        &self.attention_scratch, &self.pass);
  CHECK_NEAR(largest_difference(gradient, self.attention.r->grad, self.attention.r->size), 0, 1e-11);
  CHECK_NEAR(largest_difference(dx, again, n * d), 0, 1e-11);
  free(gradient);
  free(dx);
  free(again);
  free(self.memory_rows);
  free(self.positions);
  free(self.centred);
  close_bench(&self);
  CHECK_THAT(self.arena.used < ARENA, "the arena of this check is large enough");
}

/* Distances count-1 .. 0, and what the centred ones have in common. */
static void check_positions(void) {
  const int32_t count = 37, d = 8;
  hr_real *x = new_reals(count * d), *centred = new_reals(count * d);
  hr_positions(x, centred, count, d);
  for (int32_t c = 0; c < count; c++) {
    for (int32_t i = 0; i < d / 2; i++) {
      const double angle = (count - 1 - c) / pow(10000, 2.0 * i / d);
      CHECK_NEAR(x[c * d + i], sin(angle), 1e-14);
      CHECK_NEAR(x[c * d + d / 2 + i], cos(angle), 1e-14);
      CHECK_NEAR(centred[c * d + i], sin(angle), 1e-14);
      CHECK_NEAR(centred[c * d + d / 2 + i], cos(angle) - 1, 1e-14);
    }
  }
  free(x);
  free(centred);
}

/* ------------------------------------------------------------------------------------ output and embedding */

static void output_forward(bench *self) {
  const int32_t n = hr_pass_tokens(&self->pass);
  const hr_targets targets = {self->targets, self->values};
  hr_output_forward(&self->output, self->x, n, &self->pass);
  self->y[0] = (hr_real)hr_output_loss(&self->output, &targets, n);
}

static void check_output(const hr_output_type *type, bool weighted, int32_t n, int32_t d, int32_t v) {
  test_context("output layer, %d rows, %d to %d%s%s%s", n, d, v, type->projects ? ", behind a head" : "",
               type->regresses ? ", of numbers" : "", weighted ? ", with class weights" : "");
  bench self;
  open_bench(&self, n, 1, 0, 0);
  self.pass.head_dropout = type->projects ? 0.3 : 0;
  const hr_config config = {.d_model = d, .classes = v, .outputs = v};
  self.output.type = type;
  self.output.type->declare(&self.output, &self.parameters, &config, NULL);
  place_parameters(&self);
  hr_output_plan(&self.output, &self.arena, n);
  place_data(&self, n * d, 1);
  self.dy[0] = 1;
  self.targets = new_ints(n);
  random_tokens(self.targets, n, v);
  self.values = new_normal((int64_t)n * v, 1);
  self.output.weighted = weighted;
  for (int32_t i = 0; weighted && i < v; i++) self.output.class_weights[i] = (hr_real)(0.5 + i);
  self.forward = output_forward;
  self.forward(&self);
  hr_real *dx = new_reals(n * d);
  const hr_targets targets = {self.targets, self.values};
  const double told = hr_output_backward(&self.output, dx, self.x, &targets, n, &self.pass);
  CHECK_NEAR(told, self.y[0], 1e-14);
  check_all(&self, dx);
  free(dx);
  free(self.targets);
  free(self.values);
  close_bench(&self);
}

static hr_batch batch_of(const bench *self) {
  return (hr_batch){.tokens = self->tokens,
                    .features = self->x,
                    .batch = self->pass.segment.batch,
                    .length = self->pass.segment.length};
}

static void input_forward(bench *self) {
  const hr_batch batch = batch_of(self);
  self->input.type->forward(&self->input, self->y, &batch, &self->pass);
}

/* What an input leaves of dx is of no use: only the gradients of its tensors are looked at. */
static void check_input(bench *self, const hr_real *dy, int32_t n) {
  const hr_batch batch = batch_of(self);
  hr_real *dx = copy(dy, n);
  self->forward = input_forward;
  self->input.type->backward(&self->input, dx, &batch, &self->pass);
  self->inputs = 0;
  check_all(self, dx);
  free(dx);
}

/* Tokens that occur more than once, and some that do not occur. */
static void check_embedding(double dropout) {
  test_context("embedding, dropout %g", dropout);
  const int32_t n = 15, d = 6, v = 8;
  bench self;
  open_bench(&self, 3, 5, 0, dropout);
  const hr_config config = {.d_model = d, .vocab_size = v};
  self.input.type = &hr_input_embedding;
  self.input.type->declare(&self.input, &self.parameters, &config);
  place_parameters(&self);
  place_data(&self, 0, n * d);
  self.tokens = new_ints(n);
  random_tokens(self.tokens, n, v - 2);
  check_input(&self, self.dy, n * d);
  CHECK(largest(self.table[0].grad + (v - 2) * d, 2 * d) == 0);
  free(self.tokens);
  close_bench(&self);
}

static void check_linear_input(int32_t n, int32_t size, int32_t d) {
  test_context("linear input, %d vectors, %d to %d", n, size, d);
  bench self;
  open_bench(&self, n, 1, 0, 0);
  const hr_config config = {.d_model = d, .input_size = size};
  self.input.type = &hr_input_linear;
  self.input.type->declare(&self.input, &self.parameters, &config);
  place_parameters(&self);
  place_data(&self, n * size, n * d);
  check_input(&self, self.dy, n * d);
  close_bench(&self);
}

/* -------------------------------------------------------------------------------------------------- pool */

static void pool_forward(bench *self) {
  const hr_real *rows = hr_pool_forward(&self->pool, self->x, &self->pass);
  memcpy(self->y, rows, (size_t)self->outputs * sizeof *rows);
}

/* starts: of streams that differ in length; NULL for streams of the same length. */
static void check_pool(bool last, const int32_t *starts) {
  test_context("pool of %s, %s", last ? "the last token" : "all tokens", starts ? "different lengths" : "");
  const int32_t batch = 3, length = 5, d = 4, n = starts ? starts[batch] : batch * length;
  bench self;
  open_bench(&self, batch, length, 0, 0);
  self.pass.starts = starts;
  self.pool.last = last;
  hr_pool_plan(&self.pool, &self.arena, batch, d);
  CHECK_INT(hr_pool_count(&self.pool, batch, n), last ? batch : n);
  place_data(&self, n * d, hr_pool_count(&self.pool, batch, n) * d);
  self.forward = pool_forward;
  self.forward(&self);
  for (int32_t b = 0; last && b < batch; b++) {
    const int32_t at = (starts ? starts[b + 1] : (b + 1) * length) - 1;
    CHECK(same_bits(self.y + b * d, self.x + at * d, d));
  }
  hr_real *dx = new_normal(n * d, 1);
  memcpy(hr_pool_gradient(&self.pool, dx), self.dy, (size_t)self.outputs * sizeof *dx);
  hr_pool_backward(&self.pool, dx, &self.pass);
  check_all(&self, dx);
  free(dx);
  close_bench(&self);
}

/* ------------------------------------------------------------------------------------------------ kernels */

static void softmax_forward(bench *self) {
  hr_scale(self->y, (hr_real)0.37, self->x, self->inputs);
  hr_softmax(self->y, self->y, self->inputs);
}

static void check_softmax(int32_t n) {
  test_context("softmax of %d", n);
  bench self;
  open_bench(&self, n, 1, 0, 0);
  place_data(&self, n, n);
  self.forward = softmax_forward;
  self.forward(&self);
  hr_real *dx = copy(self.dy, n);
  hr_softmax_backward(dx, self.y, (hr_real)0.37, n);
  check_all(&self, dx);
  free(dx);
  close_bench(&self);
}

/* What test_vector and test_math show of the engine in float must hold of what the differences are taken with. */
static void check_double(void) {
  test_context("%s", "elementary functions");
  double worst = 0;
  for (double x = -60; x < 60; x += 0.0371)
    worst = fmax(worst, fabs((double)hr_vec_exp(hr_splat((hr_real)x))[0] / exp(x) - 1));
  CHECK_NEAR(worst, 0, 1e-15);
  CHECK(isnan((double)hr_vec_exp(hr_splat((hr_real)NAN))[0]));
  CHECK(isnan(hr_exp((double)NAN)));
  worst = 0;
  for (double x = -30; x < 30; x += 0.0173) worst = fmax(worst, fabs(hr_tanh(x) - tanh(x)));
  CHECK_NEAR(worst, 0, 1e-15);
  CHECK(hr_tanh(1e300) == 1 && hr_tanh(-1e300) == -1 && isnan(hr_tanh((double)NAN)));
}

int main(void) {
  check_double();
  for (int32_t d = 2; d <= 9; d += 3) check_norm(4, d);
  check_norm(1, 33);
  for (int dropped = 0; dropped < 2; dropped++) {
    const double dropout = 0.3 * dropped;
    check_embedding(dropout);
    for (int pre = 0; pre < 2; pre++) {
      check_attention(pre, 2, 5, 0, 0, dropout, NULL);
      check_attention(pre, 2, 5, 7, 7, dropout, NULL);
      check_attention(pre, 3, 4, 2, 9, dropout, NULL);
      check_attention(pre, 1, 1, 3, 3, dropout, NULL);
      check_attention(pre, 1, 67, 5, 6, dropout, NULL);
      check_attention(pre, 3, 40, 0, 0, dropout, (int32_t[]){0, 3, 43, 44});
      for (int32_t router = 0; router < router_count(); router++) {
        check_feedforward(router, pre, 6, dropout, 2, 2);
        check_feedforward(router, pre, 9, dropout, 5, 5);
        if (router_routes(router)) check_feedforward(router, pre, 7, dropout, 1, 4);
      }
    }
  }
  check_linear_input(5, 3, 4);
  check_linear_input(2, 7, 1);
  check_pool(false, NULL);
  check_pool(true, NULL);
  check_pool(true, (int32_t[]){0, 5, 6, 9});
  check_positions();
  check_output(&hr_output_classes, false, 5, 6, 7);
  check_output(&hr_output_classes, false, 130, 3, 11);
  check_output(&hr_output_classes, false, 1, 1, 2);
  check_output(&hr_output_classes, true, 130, 3, 4);
  check_output(&hr_output_projected, false, 5, 6, 3);
  check_output(&hr_output_projected, true, 131, 4, 3);
  check_output(&hr_output_numbers, false, 130, 3, 5);
  check_output(&hr_output_numbers, false, 1, 6, 1);
  for (int32_t n = 1; n < 12; n += 3) check_softmax(n);
  test_context("%s", "");
  check_differences(&total, "layers");
  return test_report("layers");
}
