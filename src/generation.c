/* Generation, token by token: one stream, whose keys and values are kept, so that a token costs the same however long
 * the text is. */
#include "model.h"

hr_status hr_generation_begin(hr_model *model, int32_t session) {
  if (!model->type->generates) return HR_ERROR_ARGUMENT;
  hr_generation *generation = &model->generation;
  generation->session = session;
  generation->last = 0;
  generation->version = model->version;
  const hr_pass pass = hr_model_pass(model, (hr_segment){1, 1, 0}, false, NULL);
  hr_network_generate(&model->network, model->version, &pass);
  hr_network_begin_cache(&model->network, &pass);
  return HR_OK;
}

int32_t hr_generation_session(const hr_model *model) {
  return model->generation.session;
}

bool hr_generation_stale(const hr_model *model) {
  return model->generation.version != model->version;
}

int32_t hr_generation_capacity(const hr_model *model) {
  return hr_network_window(&model->config);
}

/* Reads tokens behind what is in the caches. */
static void read_tokens(hr_model *model, const int32_t *tokens, int32_t count) {
  hr_pass pass = hr_model_pass(model, (hr_segment){1, count, model->network.cached}, false, tokens);
  pass.cached = true;
  const hr_batch batch = {.tokens = tokens, .batch = 1, .length = count};
  hr_model_forward(model, &batch, &pass);
  model->generation.last = count;
  model->generation.last_token = tokens[count - 1];
}

hr_status hr_generation_feed(hr_model *model, const int32_t *tokens, int32_t count) {
  const hr_config *config = &model->config;
  if (!model->type->generates || count < 1 || count > config->context_length) return HR_ERROR_ARGUMENT;
  if (hr_generation_stale(model) || !hr_ids_fit(tokens, count, config->vocab_size)) return HR_ERROR_ARGUMENT;
  hr_network_trim_cache(&model->network, hr_network_window(config));
  read_tokens(model, tokens, count);
  return HR_OK;
}

/* Logits of the last token fed; NULL if there is none. */
static const hr_real *last_logits(hr_model *model) {
  hr_generation *generation = &model->generation;
  if (model->network.cached == 0 || hr_generation_stale(model)) return NULL;
  if (generation->last == 0) {
    /* Another call overwrote the logits: the last token is read once more, in its own place and before the same text. */
    const int32_t again = generation->last_token;
    model->network.cached--;
    read_tokens(model, &again, 1);
  }
  return model->output.logits + (ptrdiff_t)(generation->last - 1) * model->config.vocab_size;
}

static bool sampling_fits(const hr_sampling *sampling, int32_t v) {
  const double temperature = sampling->temperature, top_p = sampling->top_p;
  const double penalty = sampling->repetition_penalty;
  const int32_t count = sampling->repeated_count;
  if (!(temperature >= 0) || !(top_p > 0) || top_p > 1) return false;
  if (sampling->top_tokens < 1 || sampling->top_tokens > v) return false;
  if (!(penalty >= HR_REPETITION_PENALTY_MIN && penalty <= HR_REPETITION_PENALTY_MAX)) return false;
  return count >= 0 && hr_ids_fit(sampling->repeated, count, v);
}

hr_status hr_generation_sample(hr_model *model, const hr_sampling *sampling, uint64_t *state,
                               int32_t *token) {
  const int32_t v = model->config.vocab_size;
  if (!sampling_fits(sampling, v)) return HR_ERROR_ARGUMENT;
  const hr_real *logits = last_logits(model);
  if (!logits) return HR_ERROR_ARGUMENT;
  *token = hr_sample(&model->generation.sampler, logits, v, sampling, state);
  return HR_OK;
}

int32_t *hr_generation_repeated_buffer(hr_model *model) {
  return model->generation.sampler.order;
}

const hr_real *hr_generation_probabilities(hr_model *model) {
  const hr_real *logits = last_logits(model);
  return logits ? hr_sampler_probabilities(&model->generation.sampler, logits, model->config.vocab_size)
                : NULL;
}
