/* The functions of the module: the public interface of src/hyperrouter.h in numbers and addresses. web/core.js is
 * the only file on the other side that knows them; what it reads out of structures is asserted at the end. */
#include <stdlib.h>

#include "hyperrouter.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

const char *EXPORT(version)(void) {
  return HR_VERSION;
}

/* Whether this is the module with fused multiply-add. */
int32_t EXPORT(relaxed)(void) {
#ifdef HR_RELAXED_SIMD
  return 1;
#else
  return 0;
#endif
}

/* Room for what is passed by address; 0 if there is none. */
void *EXPORT(allocate)(size_t bytes) {
  return malloc(bytes);
}

void EXPORT(release)(void *memory) {
  free(memory);
}

/* --------------------------------------------------------------------------------------------- threads */

hr_team *EXPORT(team_create)(int32_t threads) {
  return hr_team_create(threads);
}

/* Returns when the team is dissolved; called by a thread's own instance. */
void EXPORT(team_serve)(hr_team *team, int32_t thread) {
  hr_team_serve(team, thread);
}

void EXPORT(team_dissolve)(hr_team *team) {
  hr_team_dissolve(team);
}

/* ---------------------------------------------------------------------------------------- configuration */

int32_t EXPORT(config_bytes)(void) {
  return (int32_t)sizeof(hr_config);
}

int32_t EXPORT(config_field_count)(void) {
  return hr_config_field_count();
}

const hr_field *EXPORT(config_field)(int32_t index) {
  return hr_config_field(index);
}

void EXPORT(config_default)(hr_config *config, int32_t kind) {
  hr_config_default(config, (hr_kind)kind);
}

/* NULL past the last option, and for fields that do not choose. */
const hr_option *EXPORT(config_option)(int32_t field, int32_t index) {
  const hr_field *chosen = hr_config_field(field);
  return chosen && chosen->option ? chosen->option(index) : NULL;
}

const char *EXPORT(trait_name)(int32_t index) {
  return hr_trait_name(index);
}

/* Gives a configuration the tensors of a custom router, which must stay where they are until a model was made of it. */
void EXPORT(config_set_router_tensors)(hr_config *config, const hr_router_tensor *tensors, int32_t count) {
  config->router_tensors = tensors;
  config->router_tensor_count = count;
}

int32_t EXPORT(config_check)(const hr_config *config, hr_config_error *error) {
  return (int32_t)hr_config_check(config, error);
}

int32_t EXPORT(config_parameter)(const hr_config *config, int32_t index, hr_parameter *parameter) {
  return (int32_t)hr_config_parameter(config, index, parameter);
}

double EXPORT(config_memory)(const hr_config *config, hr_team *team) {
  return (double)hr_config_memory(config, team);
}

/* ------------------------------------------------------------------------------------------------ models */

/* Status; the model and its bytes (also when they cannot be had) at the addresses. team: 0 for one thread. */
int32_t EXPORT(model_create)(hr_model **model, const hr_config *config, hr_team *team, double *bytes) {
  uint64_t exact;
  hr_status status = hr_model_create_for_team(model, config, team, &exact);
  *bytes = (double)exact;
  return (int32_t)status;
}

void EXPORT(model_destroy)(hr_model *model) {
  hr_model_destroy(model);
}

const hr_config *EXPORT(model_config)(const hr_model *model) {
  return hr_model_config(model);
}

double EXPORT(model_bytes)(const hr_model *model, int32_t kind) {
  return (double)hr_model_bytes(model, (hr_memory_kind)kind);
}

int32_t EXPORT(model_parameter_count)(const hr_model *model) {
  return hr_model_parameter_count(model);
}

hr_parameter *EXPORT(model_parameter)(hr_model *model, int32_t index) {
  return hr_model_parameter(model, index);
}

void EXPORT(model_invalidate)(hr_model *model) {
  hr_model_invalidate(model);
}

double EXPORT(model_step)(const hr_model *model) {
  return (double)hr_model_step(model);
}

int32_t EXPORT(model_set_step)(hr_model *model, double step) {
  return (int32_t)hr_model_set_step(model, (int64_t)step);
}

int32_t EXPORT(model_top_k)(const hr_model *model) {
  return hr_model_top_k(model);
}

int32_t EXPORT(model_set_top_k)(hr_model *model, int32_t top_k) {
  return (int32_t)hr_model_set_top_k(model, top_k);
}

double EXPORT(model_sparsity_weight)(const hr_model *model) {
  return hr_model_sparsity_weight(model);
}

int32_t EXPORT(model_set_sparsity_weight)(hr_model *model, double weight) {
  return (int32_t)hr_model_set_sparsity_weight(model, weight);
}

int32_t *EXPORT(model_token_buffer)(hr_model *model) {
  return hr_model_token_buffer(model);
}

hr_real *EXPORT(model_feature_buffer)(hr_model *model) {
  return hr_model_feature_buffer(model);
}

int32_t *EXPORT(model_length_buffer)(hr_model *model) {
  return hr_model_length_buffer(model);
}

int32_t *EXPORT(model_target_buffer)(hr_model *model) {
  return hr_model_target_buffer(model);
}

hr_real *EXPORT(model_value_buffer)(hr_model *model) {
  return hr_model_value_buffer(model);
}

int32_t EXPORT(model_set_class_weights)(hr_model *model, const hr_real *weights) {
  return (int32_t)hr_model_set_class_weights(model, weights);
}

int32_t EXPORT(model_set_head_only)(hr_model *model, int32_t head_only) {
  return (int32_t)hr_model_set_head_only(model, head_only);
}

int32_t EXPORT(model_set_head_rate)(hr_model *model, double learning_rate) {
  return (int32_t)hr_model_set_head_rate(model, learning_rate);
}

/* The batch that stands in the buffers. */
static hr_batch buffered(hr_model *model, int32_t batch, int32_t length, int32_t carry_memory) {
  return (hr_batch){.tokens = hr_model_token_buffer(model),
                    .lengths = hr_model_length_buffer(model),
                    .features = hr_model_feature_buffer(model),
                    .targets = hr_model_target_buffer(model),
                    .values = hr_model_value_buffer(model),
                    .batch = batch,
                    .length = length,
                    .carry_memory = carry_memory};
}

int32_t EXPORT(model_predict)(hr_model *model, int32_t batch, int32_t length, int32_t carry_memory) {
  const hr_batch input = buffered(model, batch, length, carry_memory);
  return (int32_t)hr_model_predict(model, &input);
}

int32_t EXPORT(model_evaluate)(hr_model *model, int32_t batch, int32_t length, int32_t carry_memory,
                               hr_result *result) {
  const hr_batch input = buffered(model, batch, length, carry_memory);
  return (int32_t)hr_model_evaluate(model, &input, result);
}

int32_t EXPORT(model_gradients)(hr_model *model, int32_t batch, int32_t length, int32_t carry_memory,
                                hr_result *result) {
  const hr_batch input = buffered(model, batch, length, carry_memory);
  return (int32_t)hr_model_gradients(model, &input, result);
}

int32_t EXPORT(model_train_step)(hr_model *model, int32_t batch, int32_t length, int32_t carry_memory,
                                 double learning_rate, double clip, hr_result *result) {
  const hr_batch input = buffered(model, batch, length, carry_memory);
  return (int32_t)hr_model_train_step(model, &input, learning_rate, clip, result);
}

int32_t EXPORT(model_backward)(hr_model *model, int32_t batch, int32_t length, int32_t carry_memory,
                               hr_result *result) {
  const hr_batch input = buffered(model, batch, length, carry_memory);
  return (int32_t)hr_model_backward(model, &input, result);
}

int32_t EXPORT(model_finish_gradients)(hr_model *model, hr_result *result) {
  return (int32_t)hr_model_finish_gradients(model, result);
}

int32_t EXPORT(model_finish_step)(hr_model *model, double learning_rate, double clip, hr_result *result) {
  return (int32_t)hr_model_finish_step(model, learning_rate, clip, result);
}

const hr_real *EXPORT(model_logits)(const hr_model *model) {
  int32_t rows;
  return hr_model_logits(model, &rows);
}

const hr_real *EXPORT(model_probabilities)(hr_model *model) {
  int32_t rows;
  return hr_model_probabilities(model, &rows);
}

int32_t EXPORT(model_rows)(const hr_model *model) {
  int32_t rows;
  hr_model_logits(model, &rows);
  return rows;
}

int32_t EXPORT(model_columns)(const hr_model *model) {
  return hr_model_columns(model);
}

/* Hidden states of a layer, [model_tokens, D]; 0 if there is no such layer. */
const hr_real *EXPORT(model_hidden)(const hr_model *model, int32_t layer) {
  int32_t tokens;
  return hr_model_hidden(model, layer, &tokens);
}

int32_t EXPORT(model_tokens)(const hr_model *model) {
  int32_t tokens;
  hr_model_hidden(model, 0, &tokens);
  return tokens;
}

int32_t EXPORT(model_routing)(const hr_model *model, int32_t layer, hr_routing *routing) {
  return (int32_t)hr_model_routing(model, layer, routing);
}

int32_t EXPORT(model_expert_similarity)(hr_model *model, int32_t layer, double *similarity) {
  return (int32_t)hr_model_expert_similarity(model, layer, similarity);
}

/* ---------------------------------------------------------------------------- memory and generation */

void EXPORT(model_reset_memory)(hr_model *model) {
  hr_model_reset_memory(model);
}

int32_t EXPORT(model_memory_length)(const hr_model *model) {
  return hr_model_memory_length(model);
}

int32_t EXPORT(model_memory_batch)(const hr_model *model) {
  return hr_model_memory_batch(model);
}

hr_real *EXPORT(model_memory)(hr_model *model, int32_t layer) {
  return hr_model_memory(model, layer);
}

int32_t EXPORT(model_set_memory)(hr_model *model, int32_t length, int32_t batch) {
  return (int32_t)hr_model_set_memory(model, length, batch);
}

int32_t EXPORT(generation_begin)(hr_model *model, int32_t session) {
  return (int32_t)hr_generation_begin(model, session);
}

int32_t EXPORT(generation_session)(const hr_model *model) {
  return hr_generation_session(model);
}

int32_t EXPORT(generation_stale)(const hr_model *model) {
  return hr_generation_stale(model);
}

int32_t EXPORT(generation_capacity)(const hr_model *model) {
  return hr_generation_capacity(model);
}

/* Reads `count` tokens out of the token buffer. */
int32_t EXPORT(generation_feed)(hr_model *model, int32_t count) {
  return (int32_t)hr_generation_feed(model, hr_model_token_buffer(model), count);
}

int32_t *EXPORT(generation_repeated_buffer)(hr_model *model) {
  return hr_generation_repeated_buffer(model);
}

/* Of the tokens in the buffer, the first `repeated_count` are penalised. */
int32_t EXPORT(generation_sample)(hr_model *model, double temperature, double top_p, int32_t top_tokens,
                                  double repetition_penalty, int32_t repeated_count, uint64_t *state,
                                  int32_t *token) {
  const hr_sampling sampling = {.temperature = temperature,
                                .top_p = top_p,
                                .top_tokens = top_tokens,
                                .repetition_penalty = repetition_penalty,
                                .repeated = hr_generation_repeated_buffer(model),
                                .repeated_count = repeated_count};
  return (int32_t)hr_generation_sample(model, &sampling, state, token);
}

const hr_real *EXPORT(generation_probabilities)(hr_model *model) {
  return hr_generation_probabilities(model);
}

#define AT(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member)
AT(hr_field, name, 0);
AT(hr_field, summary, 4);
AT(hr_field, type, 8);
AT(hr_field, offset, 12);
AT(hr_field, kinds, 16);
AT(hr_field, shapes, 20);
AT(hr_field, initial, 24);
AT(hr_field, minimum, 32);
AT(hr_field, maximum, 40);
AT(hr_field, open, 48);
AT(hr_field, needs, 52);
AT(hr_field, strict, 56);
AT(hr_option, name, 0);
AT(hr_option, label, 4);
AT(hr_option, summary, 8);
AT(hr_option, traits, 12);
AT(hr_option, kinds, 16);
AT(hr_config_error, field, 0);
AT(hr_config_error, rule, 4);
AT(hr_config_error, minimum, 8);
AT(hr_config_error, maximum, 16);
AT(hr_config_error, choice, 24);
AT(hr_config_error, trait, 28);
AT(hr_router_tensor, name, 0);
AT(hr_router_tensor, shape, 48);
AT(hr_router_tensor, trained, 60);
AT(hr_router_tensor, mean, 64);
AT(hr_router_tensor, deviation, 72);
_Static_assert(sizeof(hr_router_tensor) == 80, "hr_router_tensor");
AT(hr_parameter, name, 0);
AT(hr_parameter, rank, 72);
AT(hr_parameter, shape, 76);
AT(hr_parameter, size, 88);
AT(hr_parameter, role, 92);
AT(hr_parameter, data, 100);
AT(hr_parameter, grad, 104);
AT(hr_parameter, m, 108);
AT(hr_parameter, v, 112);
AT(hr_result, loss, 0);
AT(hr_result, auxiliary, 8);
AT(hr_result, grad_norm, 16);
AT(hr_routing, tokens, 0);
AT(hr_routing, top_k, 4);
AT(hr_routing, experts_count, 8);
AT(hr_routing, experts, 12);
AT(hr_routing, weights, 16);
AT(hr_routing, logits, 20);
AT(hr_routing, counts, 24);
AT(hr_routing, entropy, 32);
AT(hr_routing, dropped, 40);
