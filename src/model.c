#include "model.h"

#include <stdlib.h>

#include "kernels/vector.h"
#include "optimizer.h"

/* ------------------------------------------------------------------------------------- the memory plan */

static void declare_parameters(hr_model *model) {
  const hr_config *config = &model->config;
  hr_parameters *p = &model->parameters;
  const bool language = config->kind == HR_LANGUAGE_MODEL;
  const int32_t d = config->d_model;
  p->count = 0;
  p->trained = p->frozen = 0;
  model->output.d = d;
  if (language) {
    const int32_t v = config->vocab_size, h = config->heads, a = config->d_head;
    model->embedding =
        hr_parameters_declare(p, -1, "word_emb.emb_layers.0.weight", HR_INITIAL_SMALL, true, v, d, 0);
    model->u_bias = hr_parameters_declare(p, -1, "r_w_bias", HR_INITIAL_SMALL, true, h, a, 0);
    model->w_bias = hr_parameters_declare(p, -1, "r_r_bias", HR_INITIAL_SMALL, true, h, a, 0);
    model->output.classes = v;
    model->output.weight = model->embedding;
    model->output.bias =
        hr_parameters_declare(p, -1, "crit.out_layers.0.bias", HR_INITIAL_ZERO, true, v, 0, 0);
  } else {
    model->input_weight =
        hr_parameters_declare(p, -1, "input.weight", HR_INITIAL_SMALL, true, d, config->input_size, 0);
    model->input_bias = hr_parameters_declare(p, -1, "input.bias", HR_INITIAL_ZERO, true, d, 0, 0);
  }
  for (int32_t i = 0; i < config->layers; i++) {
    hr_layer unused = {0}, *layer = model->layers ? &model->layers[i] : &unused;
    if (language) {
      hr_attention_declare(&layer->attention, p, config, i);
      layer->attention.u_bias = model->u_bias;
      layer->attention.w_bias = model->w_bias;
    }
    hr_feedforward_declare(&layer->feedforward, p, config, i);
  }
  if (!language) {
    model->output.classes = config->classes;
    model->output.weight =
        hr_parameters_declare(p, -1, "output.weight", HR_INITIAL_SMALL, true, config->classes, d, 0);
    model->output.bias =
        hr_parameters_declare(p, -1, "output.bias", HR_INITIAL_ZERO, true, config->classes, 0, 0);
  }
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* The largest number of columns, and the longest sum, of any product of more than one row. */
static int64_t matmul_scratch_size(const hr_config *config, int64_t n, int64_t s, int64_t classes) {
  const int64_t d = config->d_model, width = (int64_t)config->heads * config->d_head;
  const int64_t ff = (int64_t)config->d_inner * (hr_router_routes(config) ? 1 : config->experts);
  int64_t columns = larger(larger(d, ff), larger(classes, larger(2 * width, s)));
  columns = larger(columns, larger(config->experts, config->input_size));
  int64_t depth = larger(columns, larger(n, (int64_t)config->batch_size * s));
  return hr_matmul_scratch(columns, larger(depth, n * config->top_k));
}

static void plan_layer(hr_layer *layer, hr_arena *arena, const hr_config *config, int32_t n,
                       int32_t capacity) {
  const bool language = config->kind == HR_LANGUAGE_MODEL;
  layer->x = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, config->d_model);
  if (language) {
    layer->middle = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, config->d_model);
    layer->memory = hr_arena_reals(arena, HR_MEMORY_CONTEXT,
                                   (int64_t)config->batch_size * config->memory_length, config->d_model);
    hr_attention_plan(&layer->attention, arena, config, capacity);
    hr_attention_cache_plan(&layer->cache, arena, config, capacity);
  }
  hr_feedforward_plan(&layer->feedforward, arena, config, n);
}

/* Attention and feed-forward never work at the same time: their scratch shares one place. */
static void plan_scratch(hr_model *model, hr_arena *arena, int32_t n) {
  const hr_arena start = *arena;
  hr_feedforward_scratch_plan(&model->feedforward_scratch, arena, &model->config, n);
  if (model->config.kind == HR_CLASSIFIER) return;
  const hr_arena feedforward = *arena;
  *arena = start;
  hr_attention_scratch_plan(&model->attention_scratch, arena, &model->config, model->generation.capacity);
  if (feedforward.used > arena->used) *arena = feedforward;
}

/* Everything that a model needs, in one order: run once to count, and once to hand out. */
static void plan(hr_model *model, hr_arena *arena) {
  const hr_config *config = &model->config;
  const bool language = config->kind == HR_LANGUAGE_MODEL;
  const int32_t n = config->batch_size * config->context_length, d = config->d_model;
  const int32_t s = config->context_length + config->memory_length;

  model->layers = hr_arena_take(arena, HR_MEMORY_TABLES, (uint64_t)config->layers, sizeof(hr_layer));
  declare_parameters(model);
  const uint64_t count = (uint64_t)model->parameters.count;
  model->parameters.table = hr_arena_take(arena, HR_MEMORY_TABLES, count, sizeof(hr_parameter));
  if (arena->base) declare_parameters(model);
  hr_parameters_place(&model->parameters, arena);

  if (language) {
    model->generation.capacity = hr_generation_window(config) + config->context_length;
    model->positions_count = (int32_t)larger(s, model->generation.capacity);
    model->tokens = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, n, 1);
    model->positions = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, model->positions_count, d);
    model->centred = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, model->positions_count, d);
    model->dropped = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, s, d);
    model->order = hr_arena_ints(arena, HR_MEMORY_SCRATCH, config->vocab_size, 1);
    model->chances = hr_arena_reals(arena, HR_MEMORY_SCRATCH, config->vocab_size, 1);
  } else {
    model->features = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, config->input_size);
    model->chances = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, config->classes);
  }
  model->targets = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, n, 1);
  for (int32_t i = 0; i < config->layers; i++) {
    /* Layers differ in nothing that the plan knows; while counting, one stands for all. */
    hr_layer counted = {0};
    if (!model->layers) hr_feedforward_declare(&counted.feedforward, &(hr_parameters){0}, config, i);
    if (!model->layers && language) hr_attention_declare(&counted.attention, &(hr_parameters){0}, config, i);
    plan_layer(model->layers ? &model->layers[i] : &counted, arena, config, n, model->generation.capacity);
  }
  model->last = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, d);
  hr_output_plan(&model->output, arena, n);
  model->dx = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, d);
  model->matmul_scratch_size =
      matmul_scratch_size(config, n, larger(s, model->positions_count), model->output.classes);
  model->matmul_scratch =
      hr_arena_reals(arena, HR_MEMORY_SCRATCH, model->matmul_scratch_size, arena->threads);
  plan_scratch(model, arena, n);
}

/* -------------------------------------------------------------------------------------- life of a model */

/* Fields of the other kind of model may hold anything: they must not reach the plan. */
static hr_config normalised(const hr_config *config) {
  hr_config result = *config;
  if (config->kind == HR_CLASSIFIER) {
    result.heads = result.d_head = result.vocab_size = result.context_length = 1;
    result.memory_length = 0;
    result.attention_dropout = 0;
  } else {
    result.input_size = result.classes = 1;
  }
  return result;
}

hr_status hr_model_create(hr_model **model, const hr_config *config, uint64_t *bytes) {
  return hr_model_create_for_team(model, config, NULL, bytes);
}

hr_status hr_model_create_for_team(hr_model **model, const hr_config *config, hr_team *team,
                                   uint64_t *bytes) {
  /* Indices into any array of a model fit in 32 bits. */
  static const uint64_t MOST = (uint64_t)4 << 30;
  *model = NULL;
  if (bytes) *bytes = 0;
  hr_status status = hr_config_check(config, NULL);
  if (status != HR_OK) return status;

  hr_model counted = {.config = normalised(config)};
  hr_arena arena = {.threads = hr_team_threads(team)};
  const uint64_t tokens = (uint64_t)counted.config.batch_size * (uint64_t)counted.config.context_length;
  if (tokens > INT32_MAX / 2) {
    /* The plan counts tokens in 32 bits. What only their layers' inputs need is too much already. */
    if (bytes)
      *bytes = tokens * (uint64_t)counted.config.layers * (uint64_t)config->d_model * sizeof(hr_real);
    return HR_ERROR_MEMORY;
  }
  hr_arena_take(&arena, HR_MEMORY_TABLES, 1, sizeof(hr_model));
  plan(&counted, &arena);
  if (bytes) *bytes = arena.used;
  if (arena.used >= MOST) return HR_ERROR_MEMORY;

  char *memory = malloc((size_t)arena.used);
  if (!memory) return HR_ERROR_MEMORY;
  memset(memory, 0, (size_t)arena.used);
  arena = (hr_arena){.base = memory, .threads = hr_team_threads(team)};
  hr_model *self = hr_arena_take(&arena, HR_MEMORY_TABLES, 1, sizeof(hr_model));
  self->config = counted.config;
  self->team = team;
  plan(self, &arena);
  memcpy(self->bytes, arena.bytes, sizeof self->bytes);
  self->top_k = self->config.top_k;
  self->version = 1;
  hr_parameters_initialise(&self->parameters, self->config.seed);
  if (self->positions) {
    hr_positions(self->positions, self->centred, self->positions_count, self->config.d_model);
  }
  *model = self;
  return HR_OK;
}

hr_status hr_config_parameter(const hr_config *config, int32_t index, hr_parameter *parameter) {
  hr_status status = hr_config_check(config, NULL);
  if (status != HR_OK) return status;
  hr_model counted = {.config = normalised(config)};
  counted.parameters.wanted = parameter;
  counted.parameters.wanted_index = index;
  declare_parameters(&counted);
  return index >= 0 && index < counted.parameters.count ? HR_OK : HR_ERROR_ARGUMENT;
}

void hr_model_destroy(hr_model *model) {
  free(model);
}

const hr_config *hr_model_config(const hr_model *model) {
  return &model->config;
}

uint64_t hr_model_bytes(const hr_model *model, hr_memory_kind kind) {
  return kind >= 0 && kind < HR_MEMORY_KINDS ? model->bytes[kind] : 0;
}

int32_t hr_model_parameter_count(const hr_model *model) {
  return model->parameters.count;
}

hr_parameter *hr_model_parameter(hr_model *model, int32_t index) {
  return index >= 0 && index < model->parameters.count ? &model->parameters.table[index] : NULL;
}

void hr_model_changed(hr_model *model) {
  model->version++;
}

int64_t hr_model_step(const hr_model *model) {
  return model->step;
}

hr_status hr_model_set_step(hr_model *model, int64_t step) {
  if (step < 0) return HR_ERROR_ARGUMENT;
  model->step = step;
  return HR_OK;
}

int32_t hr_model_top_k(const hr_model *model) {
  return model->top_k;
}

hr_status hr_model_set_top_k(hr_model *model, int32_t top_k) {
  if (top_k < 1 || top_k > model->config.experts) return HR_ERROR_ARGUMENT;
  /* Keys and values that generation keeps came from another K. */
  if (top_k != model->top_k) model->generation.version = 0;
  model->top_k = top_k;
  return HR_OK;
}

int32_t *hr_model_token_buffer(hr_model *model) {
  return model->tokens;
}

hr_real *hr_model_feature_buffer(hr_model *model) {
  return model->features;
}

int32_t *hr_model_target_buffer(hr_model *model) {
  return model->targets;
}

/* ------------------------------------------------------------------------------------------------ passes */

hr_pass hr_model_pass(const hr_model *model, hr_segment segment, bool training) {
  return (hr_pass){.segment = segment,
                   .top_k = model->top_k,
                   .dropout = training ? model->config.dropout : 0,
                   .attention_dropout = training ? model->config.attention_dropout : 0,
                   .key = hr_key(hr_key(model->config.seed, 1), (uint64_t)model->step),
                   .team = model->team,
                   .matmul_scratch = model->matmul_scratch,
                   .matmul_scratch_size = model->matmul_scratch_size};
}

void hr_model_generate_routers(hr_model *model, const hr_pass *pass) {
  if (model->router_version == model->version) return;
  model->router_version = model->version;
  for (int32_t i = 0; i < model->config.layers; i++) {
    hr_feedforward *feedforward = &model->layers[i].feedforward;
    if (!feedforward->dense) feedforward->moe.router.type->generate(&feedforward->moe.router, pass);
  }
}

static bool ids_fit(const int32_t *ids, int32_t n, int32_t limit) {
  for (int32_t i = 0; i < n; i++) {
    if (ids[i] < 0 || ids[i] >= limit) return false;
  }
  return true;
}

static hr_status check_batch(const hr_model *model, const hr_batch *batch, bool targets) {
  const hr_config *config = &model->config;
  if (batch->batch < 1 || batch->batch > config->batch_size) return HR_ERROR_ARGUMENT;
  if (batch->length < 1 || batch->length > config->context_length) return HR_ERROR_ARGUMENT;
  const int32_t n = batch->batch * batch->length;
  if (config->kind == HR_LANGUAGE_MODEL) {
    if (!batch->tokens || !ids_fit(batch->tokens, n, config->vocab_size)) return HR_ERROR_ARGUMENT;
    if (batch->carry_memory && model->memory_length > 0 && model->memory_batch != batch->batch) {
      return HR_ERROR_ARGUMENT;
    }
  } else if (!batch->features || !hr_all_finite(batch->features, n * config->input_size)) {
    return HR_ERROR_ARGUMENT;
  }
  if (targets && (!batch->targets || !ids_fit(batch->targets, n, model->output.classes)))
    return HR_ERROR_ARGUMENT;
  return HR_OK;
}

static hr_pass begin_pass(const hr_model *model, const hr_batch *batch, bool training) {
  hr_segment segment = {batch->batch, batch->length, batch->carry_memory ? model->memory_length : 0};
  return hr_model_pass(model, segment, training);
}

static void forward(hr_model *model, const hr_batch *batch, const hr_pass *pass) {
  model->generation.last = 0;
  if (model->config.kind == HR_LANGUAGE_MODEL) {
    hr_language_forward(model, batch->tokens, pass);
  } else {
    hr_classifier_forward(model, batch->features, pass);
  }
}

static void remember(hr_model *model, const hr_pass *pass) {
  if (model->config.kind == HR_LANGUAGE_MODEL) hr_language_remember(model, pass);
}

static bool is_finite(double x) {
  return x - x == 0;
}

hr_status hr_model_predict(hr_model *model, const hr_batch *batch) {
  hr_status status = check_batch(model, batch, false);
  if (status != HR_OK) return status;
  const hr_pass pass = begin_pass(model, batch, false);
  forward(model, batch, &pass);
  remember(model, &pass);
  return HR_OK;
}

hr_status hr_model_evaluate(hr_model *model, const hr_batch *batch, hr_result *result) {
  *result = (hr_result){0};
  hr_status status = check_batch(model, batch, true);
  if (status != HR_OK) return status;
  const hr_pass pass = begin_pass(model, batch, false);
  forward(model, batch, &pass);
  result->loss = hr_output_loss(&model->output, batch->targets, model->rows);
  if (!is_finite(result->loss)) return HR_ERROR_DIVERGED;
  remember(model, &pass);
  return HR_OK;
}

/* Forward and backward pass; the memory does not move on yet. */
static hr_status compute_gradients(hr_model *model, const hr_batch *batch, const hr_pass *pass,
                                   hr_result *result) {
  forward(model, batch, pass);
  hr_parameters *parameters = &model->parameters;
  hr_parameters_clear_gradients(parameters);
  result->loss = model->config.kind == HR_LANGUAGE_MODEL
                     ? hr_language_backward(model, batch->tokens, batch->targets, pass)
                     : hr_classifier_backward(model, batch->features, batch->targets, pass);
  if (!is_finite(result->loss)) return HR_ERROR_DIVERGED;
  for (int32_t i = 0; i < model->config.layers; i++)
    result->auxiliary += model->layers[i].feedforward.moe.auxiliary;
  result->grad_norm = hr_gradient_norm(parameters, model->team);
  return is_finite(result->grad_norm) ? HR_OK : HR_ERROR_DIVERGED;
}

hr_status hr_model_gradients(hr_model *model, const hr_batch *batch, hr_result *result) {
  *result = (hr_result){0};
  hr_status status = check_batch(model, batch, true);
  if (status != HR_OK) return status;
  const hr_pass pass = begin_pass(model, batch, true);
  status = compute_gradients(model, batch, &pass, result);
  if (status == HR_OK) remember(model, &pass);
  return status;
}

hr_status hr_model_train_step(hr_model *model, const hr_batch *batch, double learning_rate, double clip,
                              hr_result *result) {
  *result = (hr_result){0};
  hr_status status = check_batch(model, batch, true);
  if (status != HR_OK) return status;
  if (!(learning_rate >= 0 && learning_rate <= HR_LEARNING_RATE_MAX) || !(clip >= 0))
    return HR_ERROR_ARGUMENT;
  const hr_pass pass = begin_pass(model, batch, true);
  status = compute_gradients(model, batch, &pass, result);
  if (status != HR_OK) return status;
  model->step++;
  hr_optimizer_step(&model->parameters, &model->config, model->step, learning_rate, clip, result->grad_norm,
                    model->team);
  model->version++;
  remember(model, &pass);
  return HR_OK;
}

const hr_real *hr_model_probabilities(hr_model *model, int32_t *rows) {
  *rows = model->rows;
  if (model->config.kind != HR_CLASSIFIER) return NULL;
  const ptrdiff_t classes = model->config.classes;
  for (int32_t i = 0; i < model->rows; i++) {
    hr_softmax(model->chances + i * classes, model->output.logits + i * classes, (int32_t)classes);
  }
  return model->chances;
}

const hr_real *hr_model_logits(const hr_model *model, int32_t *rows) {
  *rows = model->rows;
  return model->output.logits;
}

hr_status hr_model_routing(const hr_model *model, int32_t layer, hr_routing *routing) {
  if (layer < 0 || layer >= model->config.layers || model->layers[layer].feedforward.dense)
    return HR_ERROR_ARGUMENT;
  const hr_moe *moe = &model->layers[layer].feedforward.moe;
  *routing = (hr_routing){.tokens = moe->tokens,
                          .top_k = moe->top_k,
                          .experts_count = moe->experts_count,
                          .experts = moe->experts,
                          .weights = moe->weights,
                          .logits = moe->logits,
                          .counts = moe->counts,
                          .entropy = hr_moe_entropy(moe)};
  return HR_OK;
}

hr_status hr_model_expert_similarity(hr_model *model, int32_t layer, double *similarity) {
  if (layer < 0 || layer >= model->config.layers || model->layers[layer].feedforward.dense)
    return HR_ERROR_ARGUMENT;
  hr_layer *at = &model->layers[layer];
  const hr_real *x = model->config.kind == HR_LANGUAGE_MODEL ? at->middle : at->x;
  if (at->feedforward.pre_layer_norm) x = at->feedforward.sum;
  const hr_pass pass = hr_model_pass(model, (hr_segment){1, 1, 0}, false);
  *similarity = hr_moe_similarity(&at->feedforward.moe, x, &model->feedforward_scratch.moe, &pass);
  return HR_OK;
}

/* ------------------------------------------------------------------------------------------------ memory */

void hr_model_reset_memory(hr_model *model) {
  model->memory_length = 0;
  model->memory_batch = 0;
}

int32_t hr_model_memory_length(const hr_model *model) {
  return model->memory_length;
}

int32_t hr_model_memory_batch(const hr_model *model) {
  return model->memory_batch;
}

hr_real *hr_model_memory(hr_model *model, int32_t layer) {
  return layer >= 0 && layer < model->config.layers ? model->layers[layer].memory : NULL;
}

hr_status hr_model_set_memory(hr_model *model, int32_t length, int32_t batch) {
  if (length < 0 || length > model->config.memory_length) return HR_ERROR_ARGUMENT;
  if (batch < (length > 0) || batch > model->config.batch_size) return HR_ERROR_ARGUMENT;
  model->memory_length = length;
  model->memory_batch = batch;
  return HR_OK;
}
