#include "model.h"

#include <stdlib.h>

#include "balance.h"
#include "kernels/vector.h"
#include "optimizer.h"

static const hr_kind_type KINDS[HR_KINDS] = {
    [HR_LANGUAGE_MODEL] = {.input = &hr_input_embedding,
                           .attends = true,
                           .output = &hr_output_tied,
                           .generates = true},
    [HR_CLASSIFIER] = {.input = &hr_input_linear, .output = &hr_output_classes},
    [HR_TEXT_CLASSIFIER] = {.input = &hr_input_embedding,
                            .attends = true,
                            .pools_last = true,
                            .output = &hr_output_projected},
    [HR_REGRESSOR] = {.input = &hr_input_linear, .output = &hr_output_numbers},
};

/* Whether the output layer has tensors of its own behind the layers. */
static bool has_head(const hr_model *model) {
  return !model->type->output->before_layers;
}

/* ------------------------------------------------------------------------------------- the memory plan */

static void declare_parameters(hr_model *model) {
  const hr_config *config = &model->config;
  const hr_kind_type *type = model->type;
  hr_parameters *parameters = &model->parameters;
  hr_parameters_restart(parameters);
  model->input.type = type->input;
  model->output.type = type->output;
  model->pool.last = type->pools_last;
  type->input->declare(&model->input, parameters, config);
  hr_network_declare_shared(&model->network, parameters, config, type->attends, type->generates);
  if (type->output->before_layers)
    type->output->declare(&model->output, parameters, config, model->input.weight);
  hr_network_declare_layers(&model->network, parameters, config);
  parameters->body = parameters->sizes[HR_TRAINED];
  if (!type->output->before_layers)
    type->output->declare(&model->output, parameters, config, model->input.weight);
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* The largest number of columns, and the longest sum, of any product of more than one row. */
static int64_t matmul_scratch_size(const hr_model *model, int64_t n) {
  const hr_config *config = &model->config;
  const int64_t s =
      larger((int64_t)config->context_length + config->memory_length, model->network.positions_count);
  const int64_t d = config->d_model, width = (int64_t)config->heads * config->d_head;
  const int64_t ff = (int64_t)config->d_inner * (hr_router_routes(config) ? 1 : config->experts);
  int64_t columns = larger(larger(d, ff), larger(model->output.columns, larger(2 * width, s)));
  columns = larger(columns, larger(config->experts, config->input_size));
  columns = larger(columns, larger(config->router_size, (int64_t)config->d_inner * config->shared_experts));
  int64_t depth = larger(columns, larger(n, (int64_t)config->batch_size * s));
  return hr_matmul_scratch(columns, larger(depth, n * config->top_k));
}

/* Everything that a model needs, in one order: run once to count, and once to hand out. */
static void plan(hr_model *model, hr_arena *arena) {
  const hr_config *config = &model->config;
  const int32_t n = config->batch_size * config->context_length;

  hr_network_plan_table(&model->network, arena, config);
  declare_parameters(model);
  const uint64_t count = (uint64_t)model->parameters.count;
  model->parameters.table = hr_arena_take(arena, HR_MEMORY_TABLES, count, sizeof(hr_parameter));
  if (arena->base) declare_parameters(model);
  hr_parameters_place(&model->parameters, arena);

  model->input.type->plan(&model->input, arena, n);
  model->targets = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, n, 1);
  if (model->type->output->regresses)
    model->values = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, config->outputs);
  if (model->type->pools_last) {
    model->lengths = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, config->batch_size, 1);
    model->starts = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, (int64_t)config->batch_size + 1, 1);
  }
  hr_network_plan(&model->network, arena, config);
  hr_pool_plan(&model->pool, arena, config->batch_size, config->d_model);
  hr_output_plan(&model->output, arena, hr_pool_count(&model->pool, config->batch_size, n));
  if (model->type->generates) hr_sampler_plan(&model->generation.sampler, arena, config->vocab_size);
  model->dx = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, config->d_model);
  model->matmul_scratch_size = matmul_scratch_size(model, n);
  model->matmul_scratch =
      hr_arena_reals(arena, HR_MEMORY_SCRATCH, model->matmul_scratch_size, arena->threads);
  hr_network_plan_scratch(&model->network, arena, config);
}

/* -------------------------------------------------------------------------------------- life of a model */

hr_status hr_model_create(hr_model **model, const hr_config *config, uint64_t *bytes) {
  return hr_model_create_for_team(model, config, NULL, bytes);
}

/* A model without memory, for counting. */
static hr_model counted_model(const hr_config *config) {
  hr_model model = {.config = *config, .type = &KINDS[config->kind]};
  hr_config_normalise(&model.config);
  return model;
}

uint64_t hr_config_memory(const hr_config *config, hr_team *team) {
  if (hr_config_check(config, NULL) != HR_OK) return 0;
  hr_model counted = counted_model(config);
  const uint64_t tokens = (uint64_t)counted.config.batch_size * (uint64_t)counted.config.context_length;
  /* The plan counts tokens in 32 bits. What only their layers' inputs need is too much already. */
  if (tokens > INT32_MAX / 2)
    return tokens * (uint64_t)counted.config.layers * (uint64_t)config->d_model * sizeof(hr_real);
  hr_arena arena = {.threads = hr_team_threads(team)};
  hr_arena_take(&arena, HR_MEMORY_TABLES, 1, sizeof(hr_model));
  plan(&counted, &arena);
  return arena.used;
}

hr_status hr_model_create_for_team(hr_model **model, const hr_config *config, hr_team *team,
                                   uint64_t *bytes) {
  /* Indices into any array of a model fit in 32 bits. */
  static const uint64_t MOST = (uint64_t)4 << 30;
  *model = NULL;
  const uint64_t total = hr_config_memory(config, team);
  if (bytes) *bytes = total;
  hr_status status = hr_config_check(config, NULL);
  if (status != HR_OK) return status;
  if (total >= MOST) return HR_ERROR_MEMORY;

  char *memory = malloc((size_t)total);
  if (!memory) return HR_ERROR_MEMORY;
  memset(memory, 0, (size_t)total);
  const hr_model counted = counted_model(config);
  hr_arena arena = {.base = memory, .threads = hr_team_threads(team)};
  hr_model *self = hr_arena_take(&arena, HR_MEMORY_TABLES, 1, sizeof(hr_model));
  self->config = counted.config;
  self->type = counted.type;
  self->team = team;
  plan(self, &arena);
  self->config.router_tensors = NULL;
  self->config.router_tensor_count = 0;
  memcpy(self->bytes, arena.bytes, sizeof self->bytes);
  self->top_k = self->config.top_k;
  self->sparsity_weight = self->config.sparsity_weight;
  self->head_rate = -1;
  self->version = 1;
  hr_parameters_initialise(&self->parameters, self->config.seed);
  hr_network_initialise(&self->network);
  *model = self;
  return HR_OK;
}

hr_status hr_config_parameter(const hr_config *config, int32_t index, hr_parameter *parameter) {
  hr_status status = hr_config_check(config, NULL);
  if (status != HR_OK) return status;
  hr_model counted = counted_model(config);
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

void hr_model_invalidate(hr_model *model) {
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

double hr_model_sparsity_weight(const hr_model *model) {
  return model->sparsity_weight;
}

hr_status hr_model_set_sparsity_weight(hr_model *model, double weight) {
  if (!(weight >= 0 && weight <= HR_SPARSITY_MAX)) return HR_ERROR_ARGUMENT;
  if (weight > 0 && model->config.sparsity_weight <= 0) return HR_ERROR_ARGUMENT;
  model->sparsity_weight = weight;
  return HR_OK;
}

int32_t *hr_model_token_buffer(hr_model *model) {
  return model->input.tokens;
}

hr_real *hr_model_feature_buffer(hr_model *model) {
  return model->input.features;
}

int32_t *hr_model_length_buffer(hr_model *model) {
  return model->lengths;
}

int32_t *hr_model_target_buffer(hr_model *model) {
  return model->targets;
}

hr_real *hr_model_value_buffer(hr_model *model) {
  return model->values;
}

hr_status hr_model_set_class_weights(hr_model *model, const hr_real *weights) {
  hr_output *output = &model->output;
  if (!output->type->classifies) return HR_ERROR_ARGUMENT;
  for (int32_t i = 0; weights && i < output->columns; i++) {
    if (!(weights[i] >= HR_CLASS_WEIGHT_MIN && weights[i] <= HR_CLASS_WEIGHT_MAX)) return HR_ERROR_ARGUMENT;
  }
  output->weighted = weights != NULL;
  if (weights) memcpy(output->class_weights, weights, (size_t)output->columns * sizeof *weights);
  return HR_OK;
}

hr_status hr_model_set_head_only(hr_model *model, bool head_only) {
  if (!has_head(model)) return HR_ERROR_ARGUMENT;
  model->head_only = head_only;
  return HR_OK;
}

hr_status hr_model_set_head_rate(hr_model *model, double learning_rate) {
  if (!has_head(model) || !(learning_rate <= HR_LEARNING_RATE_MAX)) return HR_ERROR_ARGUMENT;
  model->head_rate = learning_rate;
  return HR_OK;
}

/* ------------------------------------------------------------------------------------------------ passes */

hr_pass hr_model_pass(const hr_model *model, hr_segment segment, bool training, const int32_t *tokens) {
  return (hr_pass){.segment = segment,
                   .top_k = model->top_k,
                   .training = training,
                   .tokens = tokens,
                   .sparsity_weight = model->sparsity_weight,
                   .dropout = training ? model->config.dropout : 0,
                   .attention_dropout = training ? model->config.attention_dropout : 0,
                   .head_dropout = training ? model->config.head_dropout : 0,
                   .key = hr_key(hr_key(model->config.seed, 1), (uint64_t)model->step),
                   .team = model->team,
                   .matmul_scratch = model->matmul_scratch,
                   .matmul_scratch_size = model->matmul_scratch_size};
}

/* Tokens of a batch whose sizes fit. */
static int32_t tokens_of(const hr_batch *batch) {
  int32_t n = batch->lengths ? 0 : batch->batch * batch->length;
  for (int32_t b = 0; batch->lengths && b < batch->batch; b++) n += batch->lengths[b];
  return n;
}

static bool lengths_fit(const hr_model *model, const hr_batch *batch) {
  if (!batch->lengths) return true;
  for (int32_t b = 0; b < batch->batch; b++) {
    if (batch->lengths[b] < 1 || batch->lengths[b] > batch->length) return false;
  }
  return model->type->pools_last;
}

static bool targets_fit(const hr_model *model, const hr_batch *batch, int32_t rows) {
  const hr_output *output = &model->output;
  if (output->type->regresses) return batch->values && hr_all_finite(batch->values, rows * output->columns);
  return batch->targets && hr_ids_fit(batch->targets, rows, output->columns);
}

static hr_status check_batch(const hr_model *model, const hr_batch *batch, bool targets) {
  const hr_config *config = &model->config;
  const hr_network *network = &model->network;
  if (batch->batch < 1 || batch->batch > config->batch_size) return HR_ERROR_ARGUMENT;
  if (batch->length < 1 || batch->length > config->context_length) return HR_ERROR_ARGUMENT;
  if (!lengths_fit(model, batch)) return HR_ERROR_ARGUMENT;
  const int32_t n = tokens_of(batch);
  if (!model->input.type->accepts(&model->input, batch, n)) return HR_ERROR_ARGUMENT;
  if (batch->carry_memory && network->memory_length > 0 && network->memory_batch != batch->batch)
    return HR_ERROR_ARGUMENT;
  if (targets && !targets_fit(model, batch, hr_pool_count(&model->pool, batch->batch, n)))
    return HR_ERROR_ARGUMENT;
  return HR_OK;
}

static hr_pass begin_pass(hr_model *model, const hr_batch *batch, bool training) {
  hr_segment segment = {batch->batch, batch->length, batch->carry_memory ? model->network.memory_length : 0};
  hr_pass pass = hr_model_pass(model, segment, training, batch->tokens);
  if (!batch->lengths) return pass;
  /* As long as the longest sequence: what is computed does not depend on how much longer others might be. */
  pass.segment.length = 0;
  model->starts[0] = 0;
  for (int32_t b = 0; b < batch->batch; b++) {
    const int32_t length = batch->lengths[b];
    model->starts[b + 1] = model->starts[b] + length;
    if (length > pass.segment.length) pass.segment.length = length;
  }
  pass.starts = model->starts;
  return pass;
}

void hr_model_forward(hr_model *model, const hr_batch *batch, const hr_pass *pass) {
  hr_network *network = &model->network;
  model->half_done = false;
  model->generation.last = 0;
  hr_network_generate(network, model->version, pass);
  model->input.type->forward(&model->input, network->layers[0].x, batch, pass);
  hr_network_forward(network, pass);
  model->tokens = hr_pass_tokens(pass);
  model->rows = hr_pool_count(&model->pool, batch->batch, model->tokens);
  const hr_real *y = hr_pool_forward(&model->pool, network->out, pass);
  hr_output_forward(&model->output, y, model->rows, pass);
}

/* Backward pass from the logits to all gradients; returns the loss. */
static double backward(hr_model *model, const hr_batch *batch, const hr_pass *pass) {
  hr_pool *pool = &model->pool;
  hr_real *dx = model->dx;
  const hr_real *y = pool->last ? pool->rows : model->network.out;
  const hr_targets targets = {batch->targets, batch->values};
  const double loss =
      hr_output_backward(&model->output, hr_pool_gradient(pool, dx), y, &targets, model->rows, pass);
  if (model->head_only) return loss;
  hr_pool_backward(pool, dx, pass);
  hr_network_backward(&model->network, dx, pass);
  model->input.type->backward(&model->input, dx, batch, pass);
  return loss;
}

static bool is_finite(double x) {
  return x - x == 0;
}

hr_status hr_model_predict(hr_model *model, const hr_batch *batch) {
  hr_status status = check_batch(model, batch, false);
  if (status != HR_OK) return status;
  const hr_pass pass = begin_pass(model, batch, false);
  hr_model_forward(model, batch, &pass);
  hr_network_remember(&model->network, &pass.segment);
  return HR_OK;
}

hr_status hr_model_evaluate(hr_model *model, const hr_batch *batch, hr_result *result) {
  *result = (hr_result){0};
  hr_status status = check_batch(model, batch, true);
  if (status != HR_OK) return status;
  const hr_pass pass = begin_pass(model, batch, false);
  hr_model_forward(model, batch, &pass);
  const hr_targets targets = {batch->targets, batch->values};
  result->loss = hr_output_loss(&model->output, &targets, model->rows);
  if (!is_finite(result->loss)) return HR_ERROR_DIVERGED;
  hr_network_remember(&model->network, &pass.segment);
  return HR_OK;
}

hr_status hr_model_backward(hr_model *model, const hr_batch *batch, hr_result *result) {
  *result = (hr_result){0};
  hr_status status = check_batch(model, batch, true);
  if (status != HR_OK) return status;
  const hr_pass pass = begin_pass(model, batch, true);
  hr_model_forward(model, batch, &pass);
  hr_parameters_clear_gradients(&model->parameters, model->head_only);
  result->loss = backward(model, batch, &pass);
  if (!is_finite(result->loss)) return HR_ERROR_DIVERGED;
  result->auxiliary = model->head_only ? 0 : hr_network_auxiliary(&model->network);
  model->half_done = true;
  model->segment = pass.segment;
  model->result = *result;
  return HR_OK;
}

/* The whole result of what hr_model_backward() began. */
static hr_status finish(hr_model *model, hr_result *result) {
  *result = model->result;
  if (!model->half_done) return HR_ERROR_ARGUMENT;
  model->half_done = false;
  result->grad_norm = hr_gradient_norm(&model->parameters, model->team);
  return is_finite(result->grad_norm) ? HR_OK : HR_ERROR_DIVERGED;
}

hr_status hr_model_finish_gradients(hr_model *model, hr_result *result) {
  hr_status status = finish(model, result);
  if (status == HR_OK) hr_network_remember(&model->network, &model->segment);
  return status;
}

static bool is_rate(double learning_rate, double clip) {
  return learning_rate >= 0 && learning_rate <= HR_LEARNING_RATE_MAX && clip >= 0;
}

hr_status hr_model_finish_step(hr_model *model, double learning_rate, double clip, hr_result *result) {
  if (!is_rate(learning_rate, clip)) return HR_ERROR_ARGUMENT;
  hr_status status = finish(model, result);
  if (status != HR_OK) return status;
  const bool clipped = clip > 0 && clip < HR_GRADIENT_MAX;
  if (result->grad_norm > HR_GRADIENT_MAX && !clipped) return HR_ERROR_DIVERGED;
  model->step++;
  const hr_rates rates = {.body = learning_rate,
                          .head = model->head_rate < 0 ? learning_rate : model->head_rate,
                          .head_only = model->head_only,
                          .clip = clip};
  hr_optimizer_step(&model->parameters, &model->config, model->step, &rates, result->grad_norm, model->team);
  if (!model->head_only) hr_network_after_step(&model->network);
  if (model->sparsity_weight > 0 && !model->head_only)
    model->sparsity_weight = hr_sparsity_step(model->sparsity_weight, hr_network_zeros(&model->network),
                                              model->top_k, model->config.experts);
  model->version++;
  hr_network_remember(&model->network, &model->segment);
  return HR_OK;
}

hr_status hr_model_gradients(hr_model *model, const hr_batch *batch, hr_result *result) {
  hr_status status = hr_model_backward(model, batch, result);
  return status == HR_OK ? hr_model_finish_gradients(model, result) : status;
}

hr_status hr_model_train_step(hr_model *model, const hr_batch *batch, double learning_rate, double clip,
                              hr_result *result) {
  *result = (hr_result){0};
  if (!is_rate(learning_rate, clip)) return HR_ERROR_ARGUMENT;
  hr_status status = hr_model_backward(model, batch, result);
  return status == HR_OK ? hr_model_finish_step(model, learning_rate, clip, result) : status;
}

/* ----------------------------------------------------------------------------------- what the last call left */

const hr_real *hr_model_probabilities(hr_model *model, int32_t *rows) {
  const hr_output *output = &model->output;
  const int32_t classes = output->columns;
  *rows = model->rows;
  for (int32_t i = 0; output->probabilities && i < model->rows; i++) {
    const ptrdiff_t at = (ptrdiff_t)i * classes;
    hr_softmax(output->probabilities + at, output->logits + at, classes);
  }
  return output->probabilities;
}

const hr_real *hr_model_logits(const hr_model *model, int32_t *rows) {
  *rows = model->rows;
  return model->output.logits;
}

int32_t hr_model_columns(const hr_model *model) {
  return model->output.columns;
}

const hr_real *hr_model_hidden(const hr_model *model, int32_t layer, int32_t *tokens) {
  const hr_network *network = &model->network;
  *tokens = model->tokens;
  if (layer == network->count) return network->out;
  return layer >= 0 && layer < network->count ? network->layers[layer].x : NULL;
}

hr_status hr_model_routing(const hr_model *model, int32_t layer, hr_routing *routing) {
  const hr_moe *moe = hr_network_moe(&model->network, layer);
  if (!moe) return HR_ERROR_ARGUMENT;
  const int32_t n = moe->assignments.tokens, e = moe->dispatch.experts;
  *routing = (hr_routing){.tokens = n,
                          .top_k = moe->assignments.k,
                          .experts_count = e,
                          .experts = moe->assignments.experts,
                          .weights = moe->assignments.weights,
                          .logits = moe->logits,
                          .counts = moe->dispatch.counts,
                          .entropy = hr_router_entropy(moe->logits, n, e),
                          .dropped = moe->dispatch.dropped};
  return HR_OK;
}

hr_status hr_model_expert_similarity(hr_model *model, int32_t layer, double *similarity) {
  if (!hr_network_moe(&model->network, layer)) return HR_ERROR_ARGUMENT;
  const hr_pass pass = hr_model_pass(model, (hr_segment){1, 1, 0}, false, NULL);
  *similarity = hr_network_similarity(&model->network, layer, &pass);
  return HR_OK;
}

/* ------------------------------------------------------------------------------------------------ memory */

void hr_model_reset_memory(hr_model *model) {
  model->network.memory_length = 0;
  model->network.memory_batch = 0;
}

int32_t hr_model_memory_length(const hr_model *model) {
  return model->network.memory_length;
}

int32_t hr_model_memory_batch(const hr_model *model) {
  return model->network.memory_batch;
}

hr_real *hr_model_memory(hr_model *model, int32_t layer) {
  return layer >= 0 && layer < model->network.count ? model->network.layers[layer].memory : NULL;
}

hr_status hr_model_set_memory(hr_model *model, int32_t length, int32_t batch) {
  if (length < 0 || length > model->config.memory_length) return HR_ERROR_ARGUMENT;
  if (batch < (length > 0) || batch > model->config.batch_size) return HR_ERROR_ARGUMENT;
  model->network.memory_length = length;
  model->network.memory_batch = batch;
  return HR_OK;
}
