#include "network.h"

#include "kernels/vector.h"

void hr_network_declare_shared(hr_network *self, hr_parameters *parameters, const hr_config *config,
                               bool attends, bool generates) {
  const int32_t h = config->heads, a = config->d_head;
  self->count = config->layers;
  self->d = config->d_model;
  self->attends = attends;
  self->generates = generates;
  if (!attends) return;
  self->u_bias = hr_parameters_declare(parameters, -1, "r_w_bias", HR_INITIAL_SMALL, HR_TRAINED, h, a, 0);
  self->w_bias = hr_parameters_declare(parameters, -1, "r_r_bias", HR_INITIAL_SMALL, HR_TRAINED, h, a, 0);
}

static void declare_layer(hr_layer *layer, const hr_network *network, hr_parameters *parameters,
                          const hr_config *config, int32_t i) {
  layer->attends = network->attends;
  if (layer->attends) {
    hr_attention_declare(&layer->attention, parameters, config, i);
    layer->attention.u_bias = network->u_bias;
    layer->attention.w_bias = network->w_bias;
  }
  hr_feedforward_declare(&layer->feedforward, parameters, config, i);
}

void hr_network_declare_layers(hr_network *self, hr_parameters *parameters, const hr_config *config) {
  for (int32_t i = 0; i < self->count; i++) {
    hr_layer unused = {0};
    declare_layer(self->layers ? &self->layers[i] : &unused, self, parameters, config, i);
  }
}

/* ------------------------------------------------------------------------------------------ memory plan */

int32_t hr_network_window(const hr_config *config) {
  const int32_t inside = config->context_length - 1;
  return config->memory_length > inside ? config->memory_length : inside;
}

void hr_network_plan_table(hr_network *self, hr_arena *arena, const hr_config *config) {
  self->layers = hr_arena_take(arena, HR_MEMORY_TABLES, (uint64_t)config->layers, sizeof(hr_layer));
}

static void plan_layer(hr_layer *layer, hr_arena *arena, const hr_config *config, int32_t n,
                       int32_t capacity) {
  layer->x = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, config->d_model);
  if (layer->attends) {
    layer->attention_out = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, config->d_model);
    layer->memory = hr_arena_reals(arena, HR_MEMORY_CONTEXT,
                                   (int64_t)config->batch_size * config->memory_length, config->d_model);
    hr_attention_plan(&layer->attention, arena, config, capacity);
    hr_attention_cache_plan(&layer->cache, arena, config, capacity);
  }
  hr_feedforward_plan(&layer->feedforward, arena, config, n);
}

void hr_network_plan(hr_network *self, hr_arena *arena, const hr_config *config) {
  const int32_t n = config->batch_size * config->context_length, d = config->d_model;
  const int32_t s = config->context_length + config->memory_length;
  if (self->attends) {
    if (self->generates) self->cache_capacity = hr_network_window(config) + config->context_length;
    self->positions_count = s > self->cache_capacity ? s : self->cache_capacity;
    self->positions = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, self->positions_count, d);
    self->centred = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, self->positions_count, d);
    self->dropped = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, s, d);
    self->memory_most = config->memory_length;
  }
  for (int32_t i = 0; i < self->count; i++) {
    /* Layers differ in nothing that the plan knows; while counting, one stands for all. */
    hr_layer counted = {0};
    if (!self->layers) declare_layer(&counted, self, &(hr_parameters){0}, config, i);
    plan_layer(self->layers ? &self->layers[i] : &counted, arena, config, n, self->cache_capacity);
  }
  self->out = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, d);
}

/* Attention and feed-forward never work at the same time: their scratch shares one place. */
void hr_network_plan_scratch(hr_network *self, hr_arena *arena, const hr_config *config) {
  const hr_arena start = *arena;
  hr_feedforward_scratch_plan(&self->feedforward_scratch, arena, config,
                              config->batch_size * config->context_length);
  if (!self->attends) return;
  const hr_arena feedforward = *arena;
  *arena = start;
  hr_attention_scratch_plan(&self->attention_scratch, arena, config, self->cache_capacity);
  if (feedforward.used > arena->used) *arena = feedforward;
}

void hr_network_initialise(hr_network *self) {
  if (self->attends) hr_positions(self->positions, self->centred, self->positions_count, self->d);
}

/* ------------------------------------------------------------------------------------------------ passes */

void hr_network_generate(hr_network *self, int64_t version, const hr_pass *pass) {
  if (self->generated == version) return;
  self->generated = version;
  for (int32_t i = 0; i < self->count; i++) hr_feedforward_generate(&self->layers[i].feedforward, pass);
}

/* The last `count` rows of a table of positions: the distances count-1 .. 0. */
static const hr_real *last_positions(const hr_network *self, const hr_real *table, int32_t count) {
  return table + (ptrdiff_t)(self->positions_count - count) * self->d;
}

static int32_t columns_of(const hr_pass *pass) {
  return pass->segment.memory + pass->segment.length;
}

static void drop_positions(hr_network *self, const hr_pass *pass) {
  const int32_t s = columns_of(pass), d = self->d;
  memcpy(self->dropped, last_positions(self, self->positions, s),
         (size_t)s * (size_t)d * sizeof *self->dropped);
  hr_dropout(self->dropped, s * d, hr_dropout_key(pass, 0, HR_DROP_POSITIONS), 0, pass->dropout);
}

/* Takes cos(0) = 1 off the cosine half of the positions. The gradients of the scores sum to zero over the distances,
 * since a softmax does not see what all its logits share, so this changes no gradient of r_net; but the slow cosines,
 * all close to 1, now keep their tiny gradients, which Adam makes large, out of the rounding errors. */
static void centre_positions(hr_network *self, const hr_pass *pass) {
  const int32_t s = columns_of(pass), d = self->d;
  if (pass->dropout == 0) {
    memcpy(self->dropped, last_positions(self, self->centred, s),
           (size_t)s * (size_t)d * sizeof *self->dropped);
    return;
  }
  for (int32_t c = 0; c < s; c++) {
    hr_real *cosines = self->dropped + (ptrdiff_t)c * d + d / 2;
    for (int32_t i = 0; i < d / 2; i++) cosines[i] -= 1;
  }
}

/* What the feed-forward sublayer reads. */
static const hr_real *feedforward_input(const hr_layer *layer) {
  return layer->attends ? layer->attention_out : layer->x;
}

static void layer_forward(hr_network *self, hr_layer *layer, hr_real *out, const hr_pass *pass) {
  if (layer->attends && pass->cached) {
    hr_attention_generate(&layer->attention, layer->attention_out, layer->x, &layer->cache,
                          &self->attention_scratch, pass);
  } else if (layer->attends) {
    hr_attention_forward(&layer->attention, layer->attention_out, layer->x, layer->memory, self->dropped,
                         &self->attention_scratch, pass);
  }
  hr_feedforward_forward(&layer->feedforward, out, feedforward_input(layer), &self->feedforward_scratch,
                         pass);
}

static void layer_backward(hr_network *self, hr_layer *layer, hr_real *dx, const hr_pass *pass) {
  hr_feedforward_backward(&layer->feedforward, dx, feedforward_input(layer), &self->feedforward_scratch,
                          pass);
  if (!layer->attends) return;
  hr_attention_backward(&layer->attention, dx, layer->x, layer->memory, self->dropped,
                        &self->attention_scratch, pass);
}

/* Dropout of what an attending network gives out, and of its gradient. */
static void drop_output(const hr_network *self, hr_real *x, const hr_pass *pass) {
  if (!self->attends) return;
  hr_dropout(x, hr_pass_tokens(pass) * self->d, hr_dropout_key(pass, 0, HR_DROP_OUTPUT), 0, pass->dropout);
}

void hr_network_forward(hr_network *self, const hr_pass *pass) {
  if (self->attends && !pass->cached) drop_positions(self, pass);
  for (int32_t i = 0; i < self->count; i++) {
    layer_forward(self, &self->layers[i], i + 1 < self->count ? self->layers[i + 1].x : self->out, pass);
  }
  drop_output(self, self->out, pass);
  if (pass->cached) self->cached += pass->segment.length;
}

void hr_network_backward(hr_network *self, hr_real *dx, const hr_pass *pass) {
  if (self->attends) centre_positions(self, pass);
  drop_output(self, dx, pass);
  for (int32_t i = self->count - 1; i >= 0; i--) layer_backward(self, &self->layers[i], dx, pass);
}

double hr_network_auxiliary(const hr_network *self) {
  double sum = 0;
  for (int32_t i = 0; i < self->count; i++) sum += self->layers[i].feedforward.moe.auxiliary;
  return sum;
}

void hr_network_after_step(hr_network *self) {
  for (int32_t i = 0; i < self->count; i++) {
    if (self->layers[i].feedforward.routes) hr_moe_after_step(&self->layers[i].feedforward.moe);
  }
}

double hr_network_zeros(const hr_network *self) {
  double sum = 0;
  for (int32_t i = 0; i < self->count; i++) sum += hr_moe_zeros(&self->layers[i].feedforward.moe);
  return sum / self->count;
}

/* ------------------------------------------------------------------------------------- memory and caches */

void hr_network_remember(hr_network *self, const hr_segment *segment) {
  if (!self->attends) return;
  const int32_t most = self->memory_most, t = segment->length, m = segment->memory, d = self->d;
  const int32_t added = t < most ? t : most;
  const int32_t old = m < most - added ? m : most - added;
  for (int32_t i = 0; i < self->count; i++) {
    for (int32_t b = 0; b < segment->batch; b++) {
      hr_real *memory = self->layers[i].memory + (ptrdiff_t)b * most * d;
      const hr_real *x = self->layers[i].x + (ptrdiff_t)b * t * d;
      memmove(memory, memory + (ptrdiff_t)(m - old) * d, (size_t)old * (size_t)d * sizeof *memory);
      memcpy(memory + (ptrdiff_t)old * d, x + (ptrdiff_t)(t - added) * d,
             (size_t)added * (size_t)d * sizeof *memory);
    }
  }
  self->memory_length = old + added;
  self->memory_batch = segment->batch;
}

void hr_network_begin_cache(hr_network *self, const hr_pass *pass) {
  self->cached = 0;
  const hr_real *positions = last_positions(self, self->positions, self->cache_capacity);
  for (int32_t i = 0; i < self->count; i++)
    hr_attention_cache_positions(&self->layers[i].attention, &self->layers[i].cache, positions, pass);
}

void hr_network_trim_cache(hr_network *self, int32_t window) {
  const int32_t dropped = self->cached - window;
  if (dropped <= 0) return;
  for (int32_t i = 0; i < self->count; i++)
    hr_attention_cache_forget(&self->layers[i].cache, dropped, window);
  self->cached = window;
}

/* ----------------------------------------------------------------------------------------------- routing */

const hr_moe *hr_network_moe(const hr_network *self, int32_t layer) {
  if (layer < 0 || layer >= self->count || !self->layers[layer].feedforward.routes) return NULL;
  return &self->layers[layer].feedforward.moe;
}

double hr_network_similarity(hr_network *self, int32_t layer, const hr_pass *pass) {
  hr_layer *at = &self->layers[layer];
  return hr_feedforward_similarity(&at->feedforward, feedforward_input(at), &self->feedforward_scratch, pass);
}
