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

hr_status hr_generation_sample(hr_model *model, double temperature, double top_p, uint64_t *state,
                               int32_t *token) {
  const int32_t v = model->config.vocab_size;
  hr_generation *generation = &model->generation;
  if (model->network.cached == 0 || hr_generation_stale(model)) return HR_ERROR_ARGUMENT;
  if (!(temperature >= 0) || !(top_p > 0) || top_p > 1) return HR_ERROR_ARGUMENT;
  if (generation->last == 0) {
    /* Another call overwrote the logits: the last token is read once more, in its own place and before the same text. */
    const int32_t again = generation->last_token;
    model->network.cached--;
    read_tokens(model, &again, 1);
  }
  const hr_real *logits = model->output.logits + (ptrdiff_t)(generation->last - 1) * v;
  *token = hr_sample(&generation->sampler, logits, v, temperature, top_p, state);
  return HR_OK;
}
