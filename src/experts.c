#include "experts.h"

#include "base/math.h"
#include "gate.h"
#include "kernels/vector.h"

/* Rows of an expert beyond which it is cut into pieces, so that one overloaded expert does not keep all but one thread
 * waiting. Not less, since each piece packs the expert's weights anew. */
enum { PIECE = 256 };

/* Shares that the gradient of an expert's matrix is cut into for a team. */
enum { SHARES = 2 };

/* Ranges of tokens in which a team sums experts' outputs up. */
enum { RANGES = 8 };

void hr_experts_declare(hr_experts *self, hr_parameters *parameters, const hr_config *config, int32_t layer) {
  const int32_t d = config->d_model, f = config->d_inner, e = config->experts;
  self->layer = layer;
  self->count = e;
  self->d = d;
  self->f = f;
  self->w1 = hr_parameters_declare(parameters, layer, "pos_ff.experts.htoh4.weight", HR_INITIAL_SMALL,
                                   HR_TRAINED, e, f, d);
  self->c1 = hr_parameters_declare(parameters, layer, "pos_ff.experts.htoh4.bias", HR_INITIAL_ZERO,
                                   HR_TRAINED, e, f, 0);
  self->w2 = hr_parameters_declare(parameters, layer, "pos_ff.experts.h4toh.weight", HR_INITIAL_SMALL,
                                   HR_TRAINED, e, d, f);
  self->c2 = hr_parameters_declare(parameters, layer, "pos_ff.experts.h4toh.bias", HR_INITIAL_ZERO,
                                   HR_TRAINED, e, d, 0);
  hr_parameter *const set[] = {self->w1, self->c1, self->w2, self->c2};
  for (int i = 0; i < 4; i++) {
    if (set[i]) set[i]->grad_set = true;
  }
}

/* The rows that there is memory for: those of N tokens with the K of the configuration. */
static int64_t planned_rows(const hr_config *config, int32_t tokens) {
  return (int64_t)tokens * config->top_k + (hr_gate_at(config->gate)->rounds_up ? config->experts - 1 : 0);
}

void hr_experts_plan(hr_experts *self, hr_arena *arena, const hr_config *config, int32_t tokens) {
  const int64_t capacity = planned_rows(config, tokens);
  self->capacity = (int32_t)capacity;
  self->hidden = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, capacity, config->d_inner);
}

void hr_experts_scratch_plan(hr_experts_scratch *self, hr_arena *arena, const hr_config *config,
                             int32_t tokens) {
  const int64_t capacity = planned_rows(config, tokens);
  const uint64_t pieces = (uint64_t)(capacity / PIECE + config->experts);
  self->pieces = hr_arena_take(arena, HR_MEMORY_SCRATCH, pieces, sizeof *self->pieces);
  self->x = hr_arena_reals(arena, HR_MEMORY_SCRATCH, capacity, config->d_model);
  self->y = hr_arena_reals(arena, HR_MEMORY_SCRATCH, capacity, config->d_model);
  self->dx = hr_arena_reals(arena, HR_MEMORY_SCRATCH, capacity, config->d_model);
  self->dh = hr_arena_reals(arena, HR_MEMORY_SCRATCH, capacity, config->d_inner);
}

/* One of E maps whose tensors are stacked in a parameter. */
static hr_linear stacked(const hr_parameter *weight, const hr_parameter *bias, int32_t id) {
  const int32_t outputs = weight->shape[1], inputs = weight->shape[2];
  const ptrdiff_t matrix = (ptrdiff_t)id * outputs * inputs, vector = (ptrdiff_t)id * outputs;
  return (hr_linear){.inputs = inputs,
                     .outputs = outputs,
                     .stride = outputs,
                     .weight = weight->data + matrix,
                     .bias = bias->data + vector,
                     .weight_grad = weight->grad + matrix,
                     .bias_grad = bias->grad + vector};
}

static hr_expert expert_at(const hr_experts *self, int32_t id) {
  return (hr_expert){.in = stacked(self->w1, self->c1, id), .out = stacked(self->w2, self->c2, id)};
}

/* Rows are processed in chunks for which there is memory. With the K of the configuration all fit in one, and the
 * hidden layer of the forward pass is still there in the backward pass; with more rows the backward pass computes it
 * again, chunk by chunk. */
typedef struct chunk {
  int32_t begin, end;
} chunk;

static chunk first_chunk(const hr_experts *self, const hr_dispatch *dispatch) {
  return (chunk){0, dispatch->rows < self->capacity ? dispatch->rows : self->capacity};
}

static bool next_chunk(const hr_experts *self, const hr_dispatch *dispatch, chunk *at) {
  at->begin = at->end;
  at->end = dispatch->rows - at->begin < self->capacity ? dispatch->rows : at->begin + self->capacity;
  return at->begin < dispatch->rows;
}

/* What the parts of a task share. */
typedef struct experts_task {
  hr_experts *self;
  const hr_dispatch *dispatch;
  hr_experts_scratch *scratch;
  const hr_pass *pass;
  const hr_real *x;             /* [N,D] */
  const hr_real *dy;            /* [N,D] in the backward pass */
  hr_real *dweights;            /* [R] in the backward pass */
  hr_real *sum;                 /* [N,D] what rows are summed up in */
  const hr_real *rows_of_chunk; /* [capacity,D] which */
  const hr_real *weights;       /* [R] with which weights; NULL: 1 */
  int32_t ranges;
  chunk at;
  bool keep; /* the hidden layer of the forward pass is still there */
} experts_task;

/* The rows of expert id that lie in the chunk. */
static chunk rows_of(const hr_dispatch *dispatch, int32_t id, chunk within) {
  int32_t begin = dispatch->offsets[id], end = dispatch->offsets[id + 1];
  return (chunk){begin > within.begin ? begin : within.begin, end < within.end ? end : within.end};
}

/* Cuts the rows of a chunk into pieces; returns how many. */
static int32_t cut(const hr_dispatch *dispatch, hr_piece *pieces, chunk at) {
  int32_t count = 0;
  for (int32_t id = 0; id < dispatch->experts; id++) {
    const chunk own = rows_of(dispatch, id, at);
    const int32_t rows = own.end - own.begin, parts = (rows + PIECE - 1) / PIECE;
    for (int32_t part = 0; part < parts; part++) {
      pieces[count++] = (hr_piece){id, own.begin + (int32_t)((int64_t)rows * part / parts),
                                   own.begin + (int32_t)((int64_t)rows * (part + 1) / parts)};
    }
  }
  return count;
}

/* to [rows of the piece, D] = the tokens of the rows. */
static void gather(hr_real *to, const hr_real *from, const hr_dispatch *dispatch, const hr_piece *piece,
                   int32_t d) {
  for (int32_t r = piece->begin; r < piece->end; r++, to += d) {
    memcpy(to, from + (ptrdiff_t)dispatch->token[r] * d, (size_t)d * sizeof *to);
  }
}

/* The weights of an expert are seldom in the cache: those of all others were used since. A single row reads them in
 * order by itself. */
static void prefetch(const hr_linear *map, const hr_piece *piece) {
  if (piece->end - piece->begin > 1) hr_prefetch(map->weight, map->outputs * map->inputs);
}

/* Gathers the tokens of a piece and computes their hidden layer. */
static void hidden_of_piece(const experts_task *task, const hr_piece *piece, const hr_expert *expert,
                            const hr_pass *pass) {
  const hr_experts *self = task->self;
  const ptrdiff_t row = piece->begin - task->at.begin;
  hr_real *x = task->scratch->x + row * self->d;
  gather(x, task->x, task->dispatch, piece, self->d);
  if (task->keep) return;
  prefetch(&expert->in, piece);
  hr_expert_hidden(expert, self->hidden + row * self->f, x, piece->end - piece->begin, piece->begin,
                   hr_dropout_key(pass, self->layer, HR_DROP_HIDDEN), pass);
}

static void forward_piece(void *context, int32_t part, int32_t thread) {
  const experts_task *task = context;
  const hr_experts *self = task->self;
  const hr_pass pass = hr_pass_alone(task->pass, thread);
  const hr_piece *piece = &task->scratch->pieces[part];
  const hr_expert expert = expert_at(self, piece->expert);
  const ptrdiff_t row = piece->begin - task->at.begin;
  hidden_of_piece(task, piece, &expert, &pass);
  prefetch(&expert.out, piece);
  hr_expert_output(&expert, task->scratch->y + row * self->d, self->hidden + row * self->f,
                   piece->end - piece->begin, &pass);
}

/* Adds the rows of the chunk to the tokens that they belong to, for one range of tokens: no two parts write the same
 * token, and each sums in the order of the experts. */
static void sum_range(void *context, int32_t range, int32_t thread) {
  const experts_task *task = context;
  const hr_dispatch *dispatch = task->dispatch;
  const int32_t d = task->self->d;
  const int32_t first = (int32_t)((int64_t)dispatch->tokens * range / task->ranges);
  const int32_t end = (int32_t)((int64_t)dispatch->tokens * (range + 1) / task->ranges);
  (void)thread;
  for (int32_t r = task->at.begin; r < task->at.end; r++) {
    const int32_t token = dispatch->token[r];
    if (token < first || token >= end) continue;
    hr_add_scaled(task->sum + (ptrdiff_t)token * d, task->weights ? task->weights[r] : 1,
                  task->rows_of_chunk + (ptrdiff_t)(r - task->at.begin) * d, d);
  }
}

static void sum_rows(experts_task *task) {
  task->ranges = hr_team_threads(task->pass->team) > 1 ? RANGES : 1;
  hr_team_run(task->pass->team, sum_range, task, task->ranges);
}

void hr_experts_forward(hr_experts *self, hr_real *y, const hr_real *x, const hr_dispatch *dispatch,
                        hr_experts_scratch *scratch, const hr_pass *pass) {
  experts_task task = {.self = self,
                       .dispatch = dispatch,
                       .scratch = scratch,
                       .pass = pass,
                       .x = x,
                       .rows_of_chunk = scratch->y,
                       .weights = dispatch->weight};
  task.sum = y;
  task.at = first_chunk(self, dispatch);
  do {
    hr_team_run(pass->team, forward_piece, &task, cut(dispatch, scratch->pieces, task.at));
    sum_rows(&task);
  } while (next_chunk(self, dispatch, &task.at));
}

static void backward_piece(void *context, int32_t part, int32_t thread) {
  const experts_task *task = context;
  const hr_experts *self = task->self;
  const hr_experts_scratch *scratch = task->scratch;
  const hr_pass pass = hr_pass_alone(task->pass, thread);
  const hr_piece *piece = &scratch->pieces[part];
  const hr_expert expert = expert_at(self, piece->expert);
  const ptrdiff_t row = piece->begin - task->at.begin;
  hr_real *dy = scratch->y + row * self->d;
  hidden_of_piece(task, piece, &expert, &pass);
  gather(dy, task->dy, task->dispatch, piece, self->d);
  prefetch(&expert.out, piece);
  prefetch(&expert.in, piece);
  hr_expert_backward_rows(&expert, scratch->dx + row * self->d, scratch->dh + row * self->f,
                          task->dweights + piece->begin, dy, self->hidden + row * self->f,
                          task->dispatch->weight + piece->begin, piece->end - piece->begin, &pass);
}

/* A share of the tensors of one expert: overwritten by the first rows that the expert has, or by none. */
static void backward_share(const experts_task *task, int32_t id, int32_t part, int32_t shares,
                           const hr_pass *pass) {
  const hr_experts *self = task->self;
  const hr_dispatch *dispatch = task->dispatch;
  const hr_experts_scratch *scratch = task->scratch;
  const hr_expert expert = expert_at(self, id);
  const chunk own = rows_of(dispatch, id, task->at);
  const bool idle = dispatch->offsets[id] == dispatch->offsets[id + 1];
  if (own.begin >= own.end && (!idle || task->at.begin > 0)) return;
  const int32_t rows = own.end > own.begin ? own.end - own.begin : 0;
  const ptrdiff_t row = rows ? own.begin - task->at.begin : 0;
  hr_expert_backward_part(&expert, part, shares, scratch->y + row * self->d, scratch->dh + row * self->f,
                          self->hidden + row * self->f, scratch->x + row * self->d, rows,
                          own.begin > dispatch->offsets[id] ? HR_ACCUMULATE : HR_OVERWRITE, pass);
}

static void backward_weights(void *context, int32_t part, int32_t thread) {
  const experts_task *task = context;
  const hr_pass pass = hr_pass_alone(task->pass, thread);
  backward_share(task, part / (2 * SHARES), part % (2 * SHARES), SHARES, &pass);
}

/* Rows and tensors of all experts. Alone, one expert after the other, while its rows are in the cache; in a team first
 * all rows, then all tensors. */
static void backward_chunk(experts_task *task, int32_t pieces) {
  const hr_experts *self = task->self;
  if (hr_team_threads(task->pass->team) > 1) {
    hr_team_run(task->pass->team, backward_piece, task, pieces);
    hr_team_run(task->pass->team, backward_weights, task, self->count * 2 * SHARES);
    return;
  }
  for (int32_t id = 0, piece = 0; id < self->count; id++) {
    for (; piece < pieces && task->scratch->pieces[piece].expert == id; piece++)
      backward_piece(task, piece, 0);
    backward_share(task, id, 0, 1, task->pass);
    backward_share(task, id, 1, 1, task->pass);
  }
}

void hr_experts_backward(hr_experts *self, hr_real *dx, hr_real *dweights, const hr_real *dy,
                         const hr_real *x, const hr_dispatch *dispatch, hr_experts_scratch *scratch,
                         const hr_pass *pass) {
  experts_task task = {.self = self,
                       .dispatch = dispatch,
                       .scratch = scratch,
                       .pass = pass,
                       .x = x,
                       .dy = dy,
                       .rows_of_chunk = scratch->dx,
                       .keep = dispatch->rows <= self->capacity};
  task.sum = dx;
  task.dweights = dweights;
  task.at = first_chunk(self, dispatch);
  do {
    backward_chunk(&task, cut(dispatch, scratch->pieces, task.at));
    sum_rows(&task);
  } while (next_chunk(self, dispatch, &task.at));
}

/* With u_e the output of expert e divided by its length: the sum over pairs of u_e . u_f is (|sum u_e|^2 - sum |u_e|^2) / 2,
 * so that no two experts' outputs are needed at a time. */
double hr_experts_similarity(const hr_experts *self, const hr_real *x, int32_t n, hr_experts_scratch *scratch,
                             const hr_pass *pass) {
  const int32_t d = self->d, e = self->count;
  if (e == 1 || n == 0) return 1;
  hr_real *sums = scratch->x, *outputs = scratch->y;
  double total = 0;
  /* Every token has a row of memory at least, since K is 1 at least. */
  hr_fill(sums, 0, n * d);
  for (int32_t id = 0; id < e; id++) {
    const hr_expert expert = expert_at(self, id);
    hr_expert_hidden(&expert, scratch->dh, x, n, 0, 0, pass);
    hr_expert_output(&expert, outputs, scratch->dh, n, pass);
    for (int32_t i = 0; i < n; i++) {
      const hr_real *output = outputs + (ptrdiff_t)i * d;
      const double square = (double)hr_dot(output, output, d);
      if (square <= 0) continue;
      hr_add_scaled(sums + (ptrdiff_t)i * d, (hr_real)(1 / hr_sqrt(square)), output, d);
      total -= 1;
    }
  }
  for (int32_t i = 0; i < n; i++) {
    const hr_real *sum = sums + (ptrdiff_t)i * d;
    total += (double)hr_dot(sum, sum, d);
  }
  return total / n / e / (e - 1);
}
