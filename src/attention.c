#include "attention.h"

#include "base/math.h"
#include "kernels/vector.h"

/* Tokens whose scores are computed together. A block sees no keys behind its last token, so small blocks save work
 * that the mask would throw away; too small ones make slow products. */
enum { BLOCK = 32 };

void hr_attention_declare(hr_attention *self, hr_parameters *parameters, const hr_config *config,
                          int32_t layer) {
  const int32_t d = config->d_model, width = config->heads * config->d_head;
  self->layer = layer;
  self->d = d;
  self->heads = config->heads;
  self->d_head = config->d_head;
  self->memory_length = config->memory_length;
  self->pre_layer_norm = config->pre_layer_norm;
  self->qkv = hr_parameters_declare(parameters, layer, "dec_attn.qkv_net.weight", HR_INITIAL_SMALL,
                                    HR_TRAINED, 3 * width, d, 0);
  self->o = hr_parameters_declare(parameters, layer, "dec_attn.o_net.weight", HR_INITIAL_SMALL, HR_TRAINED, d,
                                  width, 0);
  hr_norm_declare(&self->norm, parameters, layer, "dec_attn.layer_norm.weight", "dec_attn.layer_norm.bias",
                  d);
  self->r = hr_parameters_declare(parameters, layer, "dec_attn.r_net.weight", HR_INITIAL_SMALL, HR_TRAINED,
                                  width, d, 0);
}

void hr_attention_plan(hr_attention *self, hr_arena *arena, const hr_config *config, int32_t cache_capacity) {
  const int64_t b = config->batch_size, t = config->context_length, s = t + config->memory_length, n = b * t;
  const int64_t width = (int64_t)self->heads * self->d_head;
  /* A segment of generation has one stream, but maybe more memory. */
  const int64_t columns = b * s > cache_capacity ? b * s : cache_capacity;
  self->q = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, width);
  self->kv = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, b * s, 2 * width);
  self->position_keys = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, s, width);
  self->probabilities = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, self->heads * t, columns);
  self->head_outputs = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, width);
  if (!self->pre_layer_norm) self->sum = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, self->d);
  self->stats = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, self->pre_layer_norm ? b * s : n, 2);
}

void hr_attention_scratch_plan(hr_attention_scratch *self, hr_arena *arena, const hr_config *config,
                               int32_t cache_capacity) {
  const int64_t b = config->batch_size, t = config->context_length, s = t + config->memory_length, n = b * t;
  const int64_t d = config->d_model, a = config->d_head, width = config->heads * a;
  const int64_t columns = s > cache_capacity ? s : cache_capacity;
  self->source = hr_arena_reals(arena, HR_MEMORY_SCRATCH, b * s, d);
  if (config->pre_layer_norm) {
    self->rows = hr_arena_reals(arena, HR_MEMORY_SCRATCH, b * s, d);
    self->query_input = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, d);
    self->drows = hr_arena_reals(arena, HR_MEMORY_SCRATCH, b * s, d);
  }
  /* Of each thread. */
  const int64_t threads = arena->threads > 1 ? arena->threads : 1;
  self->queries_size = t * a;
  self->scores_size = (t < BLOCK ? t : BLOCK) * (columns + 1);
  self->qu = hr_arena_reals(arena, HR_MEMORY_SCRATCH, threads, self->queries_size);
  self->qw = hr_arena_reals(arena, HR_MEMORY_SCRATCH, threads, self->queries_size);
  self->scores = hr_arena_reals(arena, HR_MEMORY_SCRATCH, threads, self->scores_size);
  self->dq = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, width);
  self->dkv = hr_arena_reals(arena, HR_MEMORY_SCRATCH, b * s, 2 * width);
  self->dposition_keys = hr_arena_reals(arena, HR_MEMORY_SCRATCH, s, width);
  self->dhead_outputs = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, width);
  self->out = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, d);
}

void hr_attention_cache_plan(hr_attention_cache *self, hr_arena *arena, const hr_config *config,
                             int32_t capacity) {
  const int64_t width = (int64_t)config->heads * config->d_head;
  self->capacity = capacity;
  self->width = 2 * config->heads * config->d_head;
  self->kv = hr_arena_reals(arena, HR_MEMORY_CONTEXT, capacity, 2 * width);
  self->position_keys = hr_arena_reals(arena, HR_MEMORY_CONTEXT, capacity, width);
}

/* The maps that queries, keys and values, and the keys of positions come from. */
typedef struct projections {
  hr_linear q;  /* [HA,D] */
  hr_linear kv; /* [2HA,D] */
  hr_linear r;  /* [HA,D] */
} projections;

static projections projections_of(const hr_attention *self) {
  const hr_linear qkv = hr_linear_of(self->qkv, NULL);
  const int32_t width = self->heads * self->d_head;
  return (projections){.q = hr_linear_part(&qkv, 0, width),
                       .kv = hr_linear_part(&qkv, width, 2 * width),
                       .r = hr_linear_of(self->r, NULL)};
}

/* Copies `count` rows from each stream of one [B, stride, width] array to another, starting at given rows. */
static void copy_rows(hr_real *to, int32_t to_stride, int32_t to_first, const hr_real *from,
                      int32_t from_stride, int32_t from_first, int32_t streams, int32_t count,
                      int32_t width) {
  for (int32_t b = 0; b < streams; b++) {
    memcpy(to + ((ptrdiff_t)b * to_stride + to_first) * width,
           from + ((ptrdiff_t)b * from_stride + from_first) * width,
           (size_t)count * (size_t)width * sizeof *to);
  }
}

/* How rows lie that have the memory before them. Without memory those of all streams lie side by side, as those of one. */
static hr_segment layout_of(const hr_pass *pass) {
  return pass->starts ? (hr_segment){1, hr_pass_tokens(pass), 0} : pass->segment;
}

/* What keys and values (source) and queries (query_input) are projected from: memory and x, normalised first with
 * pre-layer-norm. Cheap beside the projections, so the backward pass does it again instead of keeping it. */
static const hr_real *gather_source(hr_attention *self, const hr_real *x, const hr_real *memory,
                                    hr_attention_scratch *scratch, const hr_pass *pass) {
  const hr_segment layout = layout_of(pass);
  const int32_t b = layout.batch, t = layout.length, m = layout.memory, s = m + t, d = self->d;
  hr_real *rows = self->pre_layer_norm ? scratch->rows : scratch->source;
  copy_rows(rows, s, 0, memory, self->memory_length, 0, b, m, d);
  copy_rows(rows, s, m, x, t, 0, b, t, d);
  if (!self->pre_layer_norm) return x;
  hr_norm_forward(&self->norm, scratch->source, self->stats, rows, b * s, d);
  copy_rows(scratch->query_input, t, 0, scratch->source, s, m, b, t, d);
  return scratch->query_input;
}

/* Scratch of one thread inside a pass over streams and heads. */
typedef struct head_scratch {
  hr_real *qu, *qw; /* [T,A] */
  hr_real *scores;  /* rows in front, then a block [rows,S] */
} head_scratch;

static head_scratch scratch_of(const hr_attention_scratch *scratch, int32_t thread) {
  return (head_scratch){.qu = scratch->qu + thread * scratch->queries_size,
                        .qw = scratch->qw + thread * scratch->queries_size,
                        .scores = scratch->scores + thread * scratch->scores_size};
}

/* What the parts of a task share: each part is a stream and head, or a head. */
typedef struct heads_task {
  hr_attention *self;
  const hr_real *kv;            /* [B,S,2HA] */
  const hr_real *position_keys; /* [S,HA] */
  hr_attention_scratch *scratch;
  const hr_pass *pass;
} heads_task;

/* qu = q + u and qw = q + w of one stream and head, [T,A] each. */
static void add_biases(const hr_attention *self, const head_scratch *own, const hr_real *q, int32_t head,
                       int32_t t) {
  const int32_t a = self->d_head, width = self->heads * a;
  for (int32_t i = 0; i < t; i++) {
    hr_sum(own->qu + i * a, q + (ptrdiff_t)i * width, self->u_bias->data + head * a, a);
    hr_sum(own->qw + i * a, q + (ptrdiff_t)i * width, self->w_bias->data + head * a, a);
  }
}

/* The scores [rows,seen_by_last] of a block as its distances see them. Token i0 + r sees one key more than the token
 * before, so that a distance stands one column further to the right in each row: with rows that are one number longer,
 * the last row's distances, from the largest to 0, are those of all. What lies before a row's first key falls to the
 * end of the row before, which the mask hides (in the first row: to what stands in front of the scores). */
static hr_real *scores_by_distance(hr_real *scores, int32_t rows) {
  return scores - (rows - 1);
}

/* What attention weights go on as: themselves, or a copy with dropout. p begins at number `first`. */
static const hr_real *drop_weights(const hr_attention *self, hr_real *copy, const hr_real *p, int32_t count,
                                   uint32_t first, const hr_pass *pass) {
  if (pass->attention_dropout == 0) return p;
  memcpy(copy, p, (size_t)count * sizeof *p);
  hr_dropout(copy, count, hr_dropout_key(pass, self->layer, HR_DROP_ATTENTION_WEIGHTS), first,
             pass->attention_dropout);
  return copy;
}

/* Where a stream and head has what it works on. Probabilities have room for the longest stream. */
typedef struct pair_rows {
  int32_t row, count; /* of the stream, in [N,...] */
  int32_t column;     /* first of its keys and values */
  ptrdiff_t square;   /* first of its probabilities [count,M+count] */
  uint32_t first;     /* the same for the masks of dropout, which may wrap around */
} pair_rows;

static pair_rows rows_of_pair(int32_t b, int32_t head, int32_t heads, const hr_pass *pass) {
  const hr_stream stream = hr_pass_stream(pass, b);
  const int32_t t = pass->segment.length, s = pass->segment.memory + t, pair = b * heads + head;
  return (pair_rows){.row = stream.begin,
                     .count = stream.count,
                     .column = stream.begin + b * pass->segment.memory,
                     .square = (ptrdiff_t)pair * t * s,
                     .first = (uint32_t)(pair * t) * (uint32_t)s};
}

/* Attention of one stream and head: its [T,A] of self->head_outputs. */
static void attend_pair(void *context, int32_t pair, int32_t thread) {
  const heads_task *task = context;
  hr_attention *self = task->self;
  const hr_pass alone = hr_pass_alone(task->pass, thread), *pass = &alone;
  const head_scratch own = scratch_of(task->scratch, thread);
  const int32_t h = self->heads, a = self->d_head, width = h * a, head = pair % h;
  const pair_rows at = rows_of_pair(pair / h, head, h, pass);
  const int32_t t = at.count, m = pass->segment.memory, s = m + t;
  const hr_real scale = (hr_real)(1 / hr_sqrt(a));
  const hr_real *k = task->kv + (ptrdiff_t)at.column * 2 * width + head * a, *v = k + width;
  add_biases(self, &own, self->q + (ptrdiff_t)at.row * width + head * a, head, t);
  for (int32_t i0 = 0; i0 < t; i0 += BLOCK) {
    const int32_t i1 = i0 + BLOCK < t ? i0 + BLOCK : t, rows = i1 - i0, seen_by_last = m + i1;
    /* The distances m + i1 - 1 .. 0. */
    const hr_real *near = task->position_keys + (ptrdiff_t)(pass->segment.length - i1) * width + head * a;
    hr_real *p = self->probabilities + at.square + (ptrdiff_t)i0 * s;
    hr_real *scores = own.scores + rows, *by_distance = scores_by_distance(scores, rows);
    hr_multiply(pass, scores, seen_by_last, hr_rows(own.qu + i0 * a, a), hr_transposed(k, 2 * width), rows,
                seen_by_last, a, HR_OVERWRITE);
    hr_fill(own.scores, 0, rows);
    hr_multiply(pass, by_distance, seen_by_last + 1, hr_rows(own.qw + i0 * a, a), hr_transposed(near, width),
                rows, seen_by_last, a, HR_ACCUMULATE);
    for (int32_t i = i0; i < i1; i++, scores += seen_by_last, p += s) {
      const int32_t seen = m + i + 1;
      hr_softmax_scaled(p, scores, scale, seen);
      hr_fill(p + seen, 0, s - seen);
    }
    p -= (ptrdiff_t)rows * s;
    const uint32_t first = at.first + (uint32_t)i0 * (uint32_t)s;
    const hr_real *used = drop_weights(self, own.scores, p, rows * s, first, pass);
    hr_multiply(pass, self->head_outputs + (ptrdiff_t)(at.row + i0) * width + head * a, width,
                hr_rows(used, s), hr_rows(v, 2 * width), rows, a, seen_by_last, HR_OVERWRITE);
  }
}

/* self->head_outputs [N,HA] from self->q [N,HA], kv [B,S,2HA] and position_keys [S,HA]. */
static void attend(hr_attention *self, const hr_real *kv, const hr_real *position_keys,
                   hr_attention_scratch *scratch, const hr_pass *pass) {
  heads_task task = {self, kv, position_keys, scratch, pass};
  hr_team_run(pass->team, attend_pair, &task, pass->segment.batch * self->heads);
}

/* y = residual around the output projection of self->head_outputs. */
static void project_output(hr_attention *self, hr_real *y, const hr_real *x, hr_attention_scratch *scratch,
                           const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), d = self->d;
  const hr_linear o = hr_linear_of(self->o, NULL);
  hr_linear_forward(&o, scratch->out, self->head_outputs, n, pass);
  hr_dropout(scratch->out, n * d, hr_dropout_key(pass, self->layer, HR_DROP_ATTENTION), 0, pass->dropout);
  if (self->pre_layer_norm) {
    hr_sum(y, x, scratch->out, n * d);
  } else {
    hr_sum(self->sum, x, scratch->out, n * d);
    hr_norm_forward(&self->norm, y, self->stats, self->sum, n, d);
  }
}

void hr_attention_forward(hr_attention *self, hr_real *y, const hr_real *x, const hr_real *memory,
                          const hr_real *positions, hr_attention_scratch *scratch, const hr_pass *pass) {
  const hr_segment *segment = &pass->segment;
  const int32_t n = hr_pass_tokens(pass), s = segment->memory + segment->length;
  const projections maps = projections_of(self);
  const hr_real *query_input = gather_source(self, x, memory, scratch, pass);
  hr_linear_forward(&maps.q, self->q, query_input, n, pass);
  hr_linear_forward(&maps.kv, self->kv, scratch->source, n + segment->batch * segment->memory, pass);
  hr_linear_forward(&maps.r, self->position_keys, positions, s, pass);
  attend(self, self->kv, self->position_keys, scratch, pass);
  project_output(self, y, x, scratch, pass);
}

/* Backward pass of attend_pair for one stream and head. */
static void attend_pair_backward(const heads_task *task, int32_t b, int32_t head, const head_scratch *own,
                                 const hr_pass *pass) {
  const hr_attention *self = task->self;
  hr_attention_scratch *scratch = task->scratch;
  const int32_t h = self->heads, a = self->d_head, width = h * a;
  const pair_rows at = rows_of_pair(b, head, h, pass);
  const int32_t t = at.count, m = pass->segment.memory, s = m + t;
  const hr_real scale = (hr_real)(1 / hr_sqrt(a));
  const uint64_t key = hr_dropout_key(pass, self->layer, HR_DROP_ATTENTION_WEIGHTS);
  const hr_real *k = self->kv + (ptrdiff_t)at.column * 2 * width + head * a, *v = k + width;
  hr_real *dk = scratch->dkv + (ptrdiff_t)at.column * 2 * width + head * a, *dv = dk + width;
  hr_real *dq = scratch->dq + (ptrdiff_t)at.row * width + head * a;
  add_biases(self, own, self->q + (ptrdiff_t)at.row * width + head * a, head, t);
  for (int32_t i0 = 0; i0 < t; i0 += BLOCK) {
    const int32_t i1 = i0 + BLOCK < t ? i0 + BLOCK : t, rows = i1 - i0, seen_by_last = m + i1;
    const ptrdiff_t near = (ptrdiff_t)(pass->segment.length - i1) * width + head * a;
    const hr_real *p = self->probabilities + at.square + (ptrdiff_t)i0 * s;
    const hr_real *dhead_output = scratch->dhead_outputs + (ptrdiff_t)(at.row + i0) * width + head * a;
    hr_real *qu = own->qu + i0 * a, *qw = own->qw + i0 * a;
    hr_real *dscores = own->scores + rows, *by_distance = scores_by_distance(dscores, rows);
    const uint32_t first = at.first + (uint32_t)i0 * (uint32_t)s;

    const hr_real *used = drop_weights(self, own->scores, p, rows * s, first, pass);
    hr_multiply(pass, dv, 2 * width, hr_transposed(used, s), hr_rows(dhead_output, width), seen_by_last, a,
                rows, HR_ACCUMULATE);
    hr_multiply(pass, dscores, seen_by_last, hr_rows(dhead_output, width), hr_transposed(v, 2 * width), rows,
                seen_by_last, a, HR_OVERWRITE);
    hr_fill(own->scores, 0, rows);
    for (int32_t r = 0; r < rows; r++) {
      hr_real *dscores_r = dscores + (ptrdiff_t)r * seen_by_last;
      const int32_t seen = m + i0 + r + 1;
      hr_dropout(dscores_r, seen, key, first + (uint32_t)r * (uint32_t)s, pass->attention_dropout);
      hr_softmax_backward(dscores_r, p + (ptrdiff_t)r * s, scale, seen);
      hr_fill(dscores_r + seen, 0, seen_by_last - seen);
    }
    hr_multiply(pass, dk, 2 * width, hr_transposed(dscores, seen_by_last), hr_rows(qu, a), seen_by_last, a,
                rows, HR_ACCUMULATE);
    hr_multiply(pass, scratch->dposition_keys + near, width, hr_transposed(by_distance, seen_by_last + 1),
                hr_rows(qw, a), seen_by_last, a, rows, HR_ACCUMULATE);
    /* The queries are done with: their place takes the gradient of q + u, and then of q + w. */
    hr_multiply(pass, qu, a, hr_rows(dscores, seen_by_last), hr_rows(k, 2 * width), rows, a, seen_by_last,
                HR_OVERWRITE);
    hr_multiply(pass, qw, a, hr_rows(by_distance, seen_by_last + 1),
                hr_rows(self->position_keys + near, width), rows, a, seen_by_last, HR_OVERWRITE);
  }
  hr_add_rows(self->u_bias->grad + head * a, own->qu, t, a);
  hr_add_rows(self->w_bias->grad + head * a, own->qw, t, a);
  for (int32_t i = 0; i < t; i++) hr_sum(dq + (ptrdiff_t)i * width, own->qu + i * a, own->qw + i * a, a);
}

/* All streams of a head: what belongs to positions and biases is summed over them, in one order. */
static void attend_head_backward(void *context, int32_t head, int32_t thread) {
  const heads_task *task = context;
  const hr_pass alone = hr_pass_alone(task->pass, thread);
  const head_scratch own = scratch_of(task->scratch, thread);
  for (int32_t b = 0; b < alone.segment.batch; b++) attend_pair_backward(task, b, head, &own, &alone);
}

/* Gradients dq [N,HA], dkv [B,S,2HA], dposition_keys [S,HA] and those of the two biases, from dhead_outputs [N,HA]. */
static void attend_backward(hr_attention *self, hr_attention_scratch *scratch, const hr_pass *pass) {
  const int32_t s = pass->segment.memory + pass->segment.length;
  const int32_t columns = hr_pass_tokens(pass) + pass->segment.batch * pass->segment.memory;
  const size_t bytes = (size_t)(self->heads * self->d_head) * sizeof(hr_real);
  memset(scratch->dkv, 0, (size_t)columns * 2 * bytes);
  memset(scratch->dposition_keys, 0, (size_t)s * bytes);
  heads_task task = {self, NULL, NULL, scratch, pass};
  hr_team_run(pass->team, attend_head_backward, &task, self->heads);
}

void hr_attention_backward(hr_attention *self, hr_real *dx, const hr_real *x, const hr_real *memory,
                           const hr_real *positions, hr_attention_scratch *scratch, const hr_pass *pass) {
  const hr_segment layout = layout_of(pass);
  const int32_t b = layout.batch, t = layout.length, m = layout.memory, s = m + t;
  const int32_t n = b * t, d = self->d;
  const projections maps = projections_of(self);
  const hr_linear o = hr_linear_of(self->o, NULL);

  if (!self->pre_layer_norm) hr_norm_backward(&self->norm, dx, dx, self->sum, self->stats, n, d);
  memcpy(scratch->out, dx, (size_t)n * (size_t)d * sizeof *dx);
  hr_dropout(scratch->out, n * d, hr_dropout_key(pass, self->layer, HR_DROP_ATTENTION), 0, pass->dropout);
  hr_linear_backward_weights(&o, scratch->out, self->head_outputs, n, HR_ACCUMULATE, pass);
  hr_linear_backward_input(&o, scratch->dhead_outputs, scratch->out, n, HR_OVERWRITE, pass);
  attend_backward(self, scratch, pass);
  hr_linear_backward_weights(&maps.r, scratch->dposition_keys, positions,
                             pass->segment.memory + pass->segment.length, HR_ACCUMULATE, pass);

  const hr_real *query_input = gather_source(self, x, memory, scratch, pass);
  hr_linear_backward_weights(&maps.q, scratch->dq, query_input, n, HR_ACCUMULATE, pass);
  hr_linear_backward_weights(&maps.kv, scratch->dkv, scratch->source, b * s, HR_ACCUMULATE, pass);
  if (self->pre_layer_norm) {
    /* The memory takes no gradient, but the layer norm that it goes through does. */
    hr_linear_backward_input(&maps.q, scratch->out, scratch->dq, n, HR_OVERWRITE, pass);
    hr_linear_backward_input(&maps.kv, scratch->drows, scratch->dkv, b * s, HR_OVERWRITE, pass);
    for (int32_t i = 0; i < b; i++) {
      hr_add(scratch->drows + ((ptrdiff_t)i * s + m) * d, scratch->out + (ptrdiff_t)i * t * d, t * d);
    }
    hr_norm_backward(&self->norm, scratch->drows, scratch->drows, scratch->rows, self->stats, b * s, d);
    for (int32_t i = 0; i < b; i++) {
      hr_add(dx + (ptrdiff_t)i * t * d, scratch->drows + ((ptrdiff_t)i * s + m) * d, t * d);
    }
  } else {
    hr_linear_backward_input(&maps.q, dx, scratch->dq, n, HR_ACCUMULATE, pass);
    for (int32_t i = 0; i < b; i++) {
      hr_linear_backward_input(&maps.kv, dx + (ptrdiff_t)i * t * d,
                               scratch->dkv + ((ptrdiff_t)i * s + m) * maps.kv.outputs, t, HR_ACCUMULATE,
                               pass);
    }
  }
}

void hr_attention_cache_positions(const hr_attention *self, hr_attention_cache *cache,
                                  const hr_real *positions, const hr_pass *pass) {
  const projections maps = projections_of(self);
  hr_linear_forward(&maps.r, cache->position_keys, positions, cache->capacity, pass);
}

void hr_attention_generate(hr_attention *self, hr_real *y, const hr_real *x, hr_attention_cache *cache,
                           hr_attention_scratch *scratch, const hr_pass *pass) {
  const int32_t t = pass->segment.length, m = pass->segment.memory;
  const projections maps = projections_of(self);
  const hr_real *query_input = x;
  if (self->pre_layer_norm) {
    hr_norm_forward(&self->norm, scratch->query_input, self->stats, x, t, self->d);
    query_input = scratch->query_input;
  }
  hr_linear_forward(&maps.q, self->q, query_input, t, pass);
  hr_linear_forward(&maps.kv, cache->kv + (ptrdiff_t)m * maps.kv.outputs, query_input, t, pass);
  attend(self, cache->kv, cache->position_keys + (ptrdiff_t)(cache->capacity - m - t) * maps.r.outputs,
         scratch, pass);
  project_output(self, y, x, scratch, pass);
}

void hr_attention_cache_forget(hr_attention_cache *cache, int32_t forgotten, int32_t kept) {
  memmove(cache->kv, cache->kv + (ptrdiff_t)forgotten * cache->width,
          (size_t)kept * (size_t)cache->width * sizeof *cache->kv);
}

void hr_positions(hr_real *x, hr_real *centred, int32_t count, int32_t d) {
  const int32_t half = d / 2;
  for (int32_t c = 0; c < count; c++) {
    for (int32_t i = 0; i < half; i++) {
      const ptrdiff_t at = (ptrdiff_t)c * d + i;
      const double angle = (count - 1 - c) * hr_exp(-2.0 * i / d * 9.21034037197618273607);
      const double half_sine = hr_sin(angle / 2);
      x[at] = centred[at] = (hr_real)hr_sin(angle);
      x[at + half] = (hr_real)hr_cos(angle);
      centred[at + half] = (hr_real)(-2 * half_sine * half_sine);
    }
  }
}
