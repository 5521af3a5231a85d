#include "moe.h"

#include "base/math.h"
#include "kernels/vector.h"

/* Rows of an expert beyond which it is cut into pieces, so that one overloaded expert does not keep all but one thread
 * waiting. Not less, since each piece packs the expert's weights anew. */
enum { PIECE = 256 };

/* Shares that the gradient of an expert's matrix is cut into for a team. */
enum { SHARES = 2 };

/* Ranges of tokens in which a team sums experts' outputs up. */
enum { RANGES = 8 };

void hr_moe_declare(hr_moe *self, hr_parameters *parameters, const hr_config *config, int32_t layer) {
  const int32_t d = config->d_model, f = config->d_inner, e = config->experts;
  self->layer = layer;
  self->experts_count = e;
  self->shape = (hr_expert){.d = d, .f = f};
  self->load_balance_weight = config->load_balance_weight;
  self->router_z_weight = config->router_z_weight;
  self->router = (hr_router){
      .type = hr_router_at(config->router), .d_model = d, .experts = e, .hyper_size = config->hyper_size};
  self->router.type->declare(&self->router, parameters, layer);
  self->w1 = hr_parameters_declare(parameters, layer, "pos_ff.experts.htoh4.weight", HR_INITIAL_SMALL, true,
                                   e, f, d);
  self->c1 =
      hr_parameters_declare(parameters, layer, "pos_ff.experts.htoh4.bias", HR_INITIAL_ZERO, true, e, f, 0);
  self->w2 = hr_parameters_declare(parameters, layer, "pos_ff.experts.h4toh.weight", HR_INITIAL_SMALL, true,
                                   e, d, f);
  self->c2 =
      hr_parameters_declare(parameters, layer, "pos_ff.experts.h4toh.bias", HR_INITIAL_ZERO, true, e, d, 0);
  hr_parameter *const set[] = {self->w1, self->c1, self->w2, self->c2};
  for (int i = 0; i < 4; i++) {
    if (set[i]) set[i]->grad_set = true;
  }
}

void hr_moe_plan(hr_moe *self, hr_arena *arena, const hr_config *config, int32_t tokens) {
  const int32_t e = config->experts;
  const int64_t capacity = (int64_t)tokens * config->top_k;
  self->capacity = (int32_t)capacity;
  self->router.type->plan(&self->router, arena);
  self->logits = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, e);
  /* Any K up to E may be set later, so these have room for E. */
  self->experts = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, tokens, e);
  self->weights = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, tokens, e);
  self->rows = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, tokens, e);
  self->counts = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, e, 1);
  self->offsets = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, (int64_t)e + 1, 1);
  self->hidden = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, capacity, config->d_inner);
}

void hr_moe_scratch_plan(hr_moe_scratch *self, hr_arena *arena, const hr_config *config, int32_t tokens) {
  const int32_t d = config->d_model, e = config->experts;
  const int64_t capacity = (int64_t)tokens * config->top_k;
  self->pieces =
      hr_arena_take(arena, HR_MEMORY_SCRATCH, (uint64_t)(capacity / PIECE + e), sizeof *self->pieces);
  self->x = hr_arena_reals(arena, HR_MEMORY_SCRATCH, capacity, d);
  self->y = hr_arena_reals(arena, HR_MEMORY_SCRATCH, capacity, d);
  self->dx = hr_arena_reals(arena, HR_MEMORY_SCRATCH, capacity, d);
  self->dh = hr_arena_reals(arena, HR_MEMORY_SCRATCH, capacity, config->d_inner);
  self->row_weights = hr_arena_reals(arena, HR_MEMORY_SCRATCH, capacity, 1);
  self->row_dweights = hr_arena_reals(arena, HR_MEMORY_SCRATCH, capacity, 1);
  self->dweights = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, e);
  self->dlogits = hr_arena_reals(arena, HR_MEMORY_SCRATCH, tokens, e);
  self->probability = hr_arena_reals(arena, HR_MEMORY_SCRATCH, e, 1);
  self->share = hr_arena_reals(arena, HR_MEMORY_SCRATCH, e, 1);
}

static hr_expert expert_values(const hr_moe *self, int32_t id) {
  hr_expert expert = self->shape;
  const ptrdiff_t d = expert.d, f = expert.f;
  expert.w1 = self->w1->data + id * f * d;
  expert.c1 = self->c1->data + id * f;
  expert.w2 = self->w2->data + id * d * f;
  expert.c2 = self->c2->data + id * d;
  return expert;
}

static hr_expert expert_gradients(const hr_moe *self, int32_t id) {
  hr_expert expert = self->shape;
  const ptrdiff_t d = expert.d, f = expert.f;
  expert.w1 = self->w1->grad + id * f * d;
  expert.c1 = self->c1->grad + id * f;
  expert.w2 = self->w2->grad + id * d * f;
  expert.c2 = self->c2->grad + id * d;
  return expert;
}

/* Rows are worked off in chunks for which there is memory. With the K of the configuration all fit in one, and the
 * hidden layer of the forward pass is still there in the backward pass; with a larger K the backward pass computes it
 * again, chunk by chunk. */
typedef struct chunk {
  int32_t begin, end;
} chunk;

static chunk first_chunk(const hr_moe *self) {
  int32_t all = self->tokens * self->top_k;
  return (chunk){0, all < self->capacity ? all : self->capacity};
}

static bool next_chunk(const hr_moe *self, chunk *at) {
  int32_t all = self->tokens * self->top_k;
  at->begin = at->end;
  at->end = all - at->begin < self->capacity ? all : at->begin + self->capacity;
  return at->begin < all;
}

/* What the parts of a task share. */
typedef struct moe_task {
  hr_moe *self;
  hr_moe_scratch *scratch;
  const hr_pass *pass;
  const hr_real *x;  /* [N,D] */
  const hr_real *dy; /* [N,D] in the backward pass */
  hr_real *sum;      /* [N,D] what rows are summed up in */
  const hr_real *rows_of_chunk;
  const hr_real *weights; /* [N,K] what rows are summed up with; NULL: 1 */
  int32_t ranges;
  chunk at;
  bool keep; /* the hidden layer of the forward pass is still there */
} moe_task;

/* The rows of expert id that lie in the chunk. */
static chunk rows_of(const hr_moe *self, int32_t id, chunk within) {
  int32_t begin = self->offsets[id], end = self->offsets[id + 1];
  return (chunk){begin > within.begin ? begin : within.begin, end < within.end ? end : within.end};
}

/* Cuts the rows of a chunk into pieces; returns how many. */
static int32_t cut(const hr_moe *self, hr_piece *pieces, chunk at) {
  int32_t count = 0;
  for (int32_t id = 0; id < self->experts_count; id++) {
    const chunk own = rows_of(self, id, at);
    const int32_t rows = own.end - own.begin, parts = (rows + PIECE - 1) / PIECE;
    for (int32_t part = 0; part < parts; part++) {
      pieces[count++] = (hr_piece){id, own.begin + (int32_t)((int64_t)rows * part / parts),
                                   own.begin + (int32_t)((int64_t)rows * (part + 1) / parts)};
    }
  }
  return count;
}

/* to [rows of the piece, D] = the tokens of the rows. */
static void gather(const hr_moe *self, hr_real *to, const hr_real *from, const hr_piece *piece) {
  const int32_t d = self->shape.d;
  for (int32_t r = piece->begin; r < piece->end; r++, to += d) {
    memcpy(to, from + (ptrdiff_t)(self->rows[r] / self->top_k) * d, (size_t)d * sizeof *to);
  }
}

/* The weights of an expert are seldom in the cache: those of all others were used since. A single row reads them in
 * order by itself. */
static void touch(const hr_real *weights, const hr_expert *expert, const hr_piece *piece) {
  if (piece->end - piece->begin > 1) hr_touch(weights, expert->f * expert->d);
}

/* Gathers the tokens of a piece and computes their hidden layer. */
static void hidden_of_piece(const moe_task *task, const hr_piece *piece, const hr_pass *pass) {
  const hr_moe *self = task->self;
  const hr_expert expert = expert_values(self, piece->expert);
  const ptrdiff_t row = piece->begin - task->at.begin;
  hr_real *x = task->scratch->x + row * expert.d;
  gather(self, x, task->x, piece);
  if (task->keep) return;
  touch(expert.w1, &expert, piece);
  hr_expert_hidden(&expert, self->hidden + row * expert.f, x, piece->end - piece->begin, piece->begin,
                   hr_dropout_key(pass, self->layer, HR_DROP_HIDDEN), pass);
}

static void forward_piece(void *context, int32_t part, int32_t thread) {
  const moe_task *task = context;
  const hr_pass pass = hr_pass_alone(task->pass, thread);
  const hr_piece *piece = &task->scratch->pieces[part];
  const hr_expert expert = expert_values(task->self, piece->expert);
  const ptrdiff_t row = piece->begin - task->at.begin;
  hr_real *y = task->scratch->y + row * expert.d;
  hidden_of_piece(task, piece, &pass);
  touch(expert.w2, &expert, piece);
  hr_expert_output(&expert, y, task->self->hidden + row * expert.f, piece->end - piece->begin, &pass);
}

/* Adds the rows of the chunk to the tokens that they belong to, for one range of tokens: no two parts write the same
 * token, and each sums in the order of the experts. */
static void sum_range(void *context, int32_t range, int32_t thread) {
  const moe_task *task = context;
  const hr_moe *self = task->self;
  const int32_t d = self->shape.d;
  const int32_t first = (int32_t)((int64_t)self->tokens * range / task->ranges);
  const int32_t end = (int32_t)((int64_t)self->tokens * (range + 1) / task->ranges);
  (void)thread;
  for (int32_t r = task->at.begin; r < task->at.end; r++) {
    const int32_t assignment = self->rows[r], token = assignment / self->top_k;
    if (token < first || token >= end) continue;
    hr_add_scaled(task->sum + (ptrdiff_t)token * d, task->weights ? task->weights[assignment] : 1,
                  task->rows_of_chunk + (ptrdiff_t)(r - task->at.begin) * d, d);
  }
}

static void sum_rows(moe_task *task) {
  task->ranges = hr_team_threads(task->pass->team) > 1 ? RANGES : 1;
  hr_team_run(task->pass->team, sum_range, task, task->ranges);
}

void hr_moe_forward(hr_moe *self, hr_real *y, const hr_real *x, hr_moe_scratch *scratch,
                    const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), d = self->shape.d, e = self->experts_count, k = pass->top_k;
  self->tokens = n;
  self->top_k = k;
  hr_multiply(pass, self->logits, e, hr_rows(x, d), hr_columns(self->router.weight, d), n, e, d, HR_SET);
  hr_add_bias(self->logits, self->router.bias, n, e);
  hr_route(self->experts, self->weights, self->logits, n, e, k);
  hr_sort_by_expert(self->rows, self->offsets, self->counts, self->experts, n * k, e);

  memset(y, 0, (size_t)n * (size_t)d * sizeof *y);
  moe_task task = {.self = self,
                   .scratch = scratch,
                   .pass = pass,
                   .x = x,
                   .sum = y,
                   .rows_of_chunk = scratch->y,
                   .weights = self->weights};
  task.at = first_chunk(self);
  do {
    hr_team_run(pass->team, forward_piece, &task, cut(self, scratch->pieces, task.at));
    sum_rows(&task);
  } while (next_chunk(self, &task.at));
}

/* Adds the gradient of the auxiliary losses to dlogits, and remembers their sum. With p_n the softmax of token n over
 * all E logits, f_e the share of the assignments that expert e gets (a constant for the gradient) and z_n the
 * logarithm of the sum of the exponentials:
 *   load balance  E sum_e f_e mean_n p_ne     (Fedus, Zoph, Shazeer 2022, "Switch Transformers", eq. 4)
 *   z-loss        mean_n z_n^2                (Zoph et al. 2022, "ST-MoE", eq. 5) */
static void auxiliary_backward(hr_moe *self, hr_moe_scratch *scratch) {
  const int32_t e = self->experts_count, n = self->tokens;
  const hr_real balance = (hr_real)(self->load_balance_weight * e / n);
  const hr_real z_scale = (hr_real)(self->router_z_weight / n);
  double loss = 0;
  for (int32_t id = 0; id < e; id++) {
    scratch->share[id] = (hr_real)self->counts[id] / (hr_real)(n * self->top_k);
  }
  for (int32_t i = 0; i < n; i++) {
    hr_real *dlogits_i = scratch->dlogits + (ptrdiff_t)i * e;
    hr_real z = hr_softmax(scratch->probability, self->logits + (ptrdiff_t)i * e, e);
    hr_real mean = hr_dot(scratch->share, scratch->probability, e);
    loss += (double)(balance * mean + z_scale * z * z);
    for (int32_t id = 0; id < e; id++) {
      dlogits_i[id] += scratch->probability[id] * (balance * (scratch->share[id] - mean) + 2 * z_scale * z);
    }
  }
  self->auxiliary = loss;
}

static void backward_piece(void *context, int32_t part, int32_t thread) {
  const moe_task *task = context;
  const hr_moe *self = task->self;
  const hr_moe_scratch *scratch = task->scratch;
  const hr_pass pass = hr_pass_alone(task->pass, thread);
  const hr_piece *piece = &scratch->pieces[part];
  const hr_expert expert = expert_values(self, piece->expert);
  const ptrdiff_t row = piece->begin - task->at.begin;
  hr_real *dy = scratch->y + row * expert.d, *dweights = scratch->row_dweights + row;
  hr_real *weights = scratch->row_weights + row;
  hidden_of_piece(task, piece, &pass);
  gather(self, dy, task->dy, piece);
  const int32_t *assignments = self->rows + piece->begin, rows = piece->end - piece->begin;
  for (int32_t r = 0; r < rows; r++) weights[r] = self->weights[assignments[r]];
  touch(expert.w2, &expert, piece);
  touch(expert.w1, &expert, piece);
  hr_expert_backward_rows(&expert, scratch->dx + row * expert.d, scratch->dh + row * expert.f, dweights, dy,
                          self->hidden + row * expert.f, weights, rows, &pass);
  for (int32_t r = 0; r < rows; r++) scratch->dweights[assignments[r]] = dweights[r];
}

/* A share of the weights of one expert: set by the first rows that the expert has, or by none. */
static void backward_share(const moe_task *task, int32_t id, int32_t part, int32_t shares,
                           const hr_pass *pass) {
  const hr_moe *self = task->self;
  const hr_moe_scratch *scratch = task->scratch;
  const hr_expert gradients = expert_gradients(self, id);
  const chunk own = rows_of(self, id, task->at);
  if (own.begin >= own.end && (self->counts[id] > 0 || task->at.begin > 0)) return;
  const int32_t rows = own.end > own.begin ? own.end - own.begin : 0;
  const ptrdiff_t row = rows ? own.begin - task->at.begin : 0;
  hr_expert_backward_part(&gradients, part, shares, scratch->y + row * gradients.d,
                          scratch->dh + row * gradients.f, self->hidden + row * gradients.f,
                          scratch->x + row * gradients.d, rows,
                          own.begin > self->offsets[id] ? HR_ACCUMULATE : HR_SET, pass);
}

static void backward_weights(void *context, int32_t part, int32_t thread) {
  const moe_task *task = context;
  const hr_pass pass = hr_pass_alone(task->pass, thread);
  backward_share(task, part / (2 * SHARES), part % (2 * SHARES), SHARES, &pass);
}

/* Rows and weights of all experts. Alone, one expert after the other, while its rows are in the cache; in a team first
 * all rows, then all weights. */
static void backward_experts(moe_task *task, int32_t pieces) {
  const hr_moe *self = task->self;
  if (hr_team_threads(task->pass->team) > 1) {
    hr_team_run(task->pass->team, backward_piece, task, pieces);
    hr_team_run(task->pass->team, backward_weights, task, self->experts_count * 2 * SHARES);
    return;
  }
  for (int32_t id = 0, piece = 0; id < self->experts_count; id++) {
    for (; piece < pieces && task->scratch->pieces[piece].expert == id; piece++)
      backward_piece(task, piece, 0);
    backward_share(task, id, 0, 1, task->pass);
    backward_share(task, id, 1, 1, task->pass);
  }
}

void hr_moe_backward(hr_moe *self, hr_real *dx, const hr_real *dy, const hr_real *x, hr_moe_scratch *scratch,
                     const hr_pass *pass) {
  const int32_t n = self->tokens, d = self->shape.d, e = self->experts_count, k = self->top_k;
  hr_router *router = &self->router;
  moe_task task = {.self = self,
                   .scratch = scratch,
                   .pass = pass,
                   .x = x,
                   .dy = dy,
                   .sum = dx,
                   .rows_of_chunk = scratch->dx,
                   .keep = n * k <= self->capacity};
  task.at = first_chunk(self);
  do {
    backward_experts(&task, cut(self, scratch->pieces, task.at));
    sum_rows(&task);
  } while (next_chunk(self, &task.at));

  hr_route_backward(scratch->dlogits, scratch->dweights, self->experts, self->weights, n, e, k);
  self->auxiliary = 0;
  if (self->load_balance_weight > 0 || self->router_z_weight > 0) auxiliary_backward(self, scratch);
  hr_multiply(pass, dx, d, hr_rows(scratch->dlogits, e), hr_rows(router->weight, d), n, d, e, HR_ACCUMULATE);
  if (router->weight_grad) {
    hr_multiply(pass, router->weight_grad, d, hr_columns(scratch->dlogits, e), hr_rows(x, d), e, d, n,
                HR_ACCUMULATE);
    hr_add_rows(router->bias_grad, scratch->dlogits, n, e);
    router->type->backward(router, pass);
  }
}

double hr_moe_entropy(const hr_moe *self) {
  const int32_t e = self->experts_count;
  if (e == 1 || self->tokens == 0) return 0;
  double total = 0;
  for (int32_t i = 0; i < self->tokens; i++) {
    const hr_real *logits_i = self->logits + (ptrdiff_t)i * e;
    /* With w = exp(g - max): entropy = ln sum w - sum w (g - max) / sum w. */
    double top = (double)hr_maximum(logits_i, e), sum = 0, moment = 0;
    for (int32_t id = 0; id < e; id++) {
      double below = (double)logits_i[id] - top, weight = hr_exp(below);
      sum += weight;
      moment += weight * below;
    }
    total += hr_log(sum) - moment / sum;
  }
  return total / self->tokens / hr_log(e);
}

/* With u_e the output of expert e divided by its length: the sum over pairs of u_e . u_f is (|sum u_e|^2 - sum |u_e|^2) / 2,
 * so that no two experts' outputs are needed at a time. */
double hr_moe_similarity(const hr_moe *self, const hr_real *x, hr_moe_scratch *scratch, const hr_pass *pass) {
  const int32_t d = self->shape.d, e = self->experts_count;
  if (e == 1 || self->tokens == 0) return 1;
  hr_real *sums = scratch->x, *outputs = scratch->y;
  double total = 0;
  for (int32_t first = 0; first < self->tokens; first += self->capacity) {
    const int32_t n = self->tokens - first < self->capacity ? self->tokens - first : self->capacity;
    const hr_real *tokens = x + (ptrdiff_t)first * d;
    hr_fill(sums, 0, n * d);
    for (int32_t id = 0; id < e; id++) {
      const hr_expert expert = expert_values(self, id);
      hr_expert_hidden(&expert, scratch->dh, tokens, n, 0, 0, pass);
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
  }
  return total / self->tokens / e / (e - 1);
}
