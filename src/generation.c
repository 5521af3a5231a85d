/* Generation, token by token: one stream, whose keys and values are kept, so that a token costs the same however long
 * the text is. */
#include "base/math.h"
#include "embedding.h"
#include "kernels/vector.h"
#include "model.h"

int32_t hr_generation_window(const hr_config *config) {
  const int32_t inside = config->context_length - 1;
  return config->memory_length > inside ? config->memory_length : inside;
}

hr_status hr_generation_begin(hr_model *model, int32_t stamp) {
  if (model->config.kind != HR_LANGUAGE_MODEL) return HR_ERROR_ARGUMENT;
  hr_generation *generation = &model->generation;
  generation->stamp = stamp;
  generation->length = 0;
  generation->last = 0;
  generation->version = model->version;
  hr_pass pass = hr_model_pass(model, (hr_segment){1, 1, 0}, false);
  hr_model_generate_routers(model, &pass);
  const hr_real *positions =
      model->positions + (ptrdiff_t)(model->positions_count - generation->capacity) * model->config.d_model;
  for (int32_t i = 0; i < model->config.layers; i++) {
    hr_attention_cache_distances(&model->layers[i].attention, &model->layers[i].cache, positions, &pass);
  }
  return HR_OK;
}

int32_t hr_generation_stamp(const hr_model *model) {
  return model->generation.stamp;
}

bool hr_generation_stale(const hr_model *model) {
  return model->generation.version != model->version;
}

int32_t hr_generation_capacity(const hr_model *model) {
  return hr_generation_window(&model->config);
}

/* Reads tokens behind what is in the caches. */
static void read_tokens(hr_model *model, const int32_t *tokens, int32_t count) {
  const hr_config *config = &model->config;
  hr_generation *generation = &model->generation;
  const hr_pass pass = hr_model_pass(model, (hr_segment){1, count, generation->length}, false);
  hr_embedding_forward(model->layers[0].x, model->embedding, tokens, config->d_model, &pass);
  for (int32_t i = 0; i < config->layers; i++) {
    hr_layer *layer = &model->layers[i];
    hr_real *out = i + 1 < config->layers ? model->layers[i + 1].x : model->last;
    hr_attention_generate(&layer->attention, layer->middle, layer->x, &layer->cache,
                          &model->attention_scratch, &pass);
    hr_feedforward_forward(&layer->feedforward, out, layer->middle, &model->feedforward_scratch, &pass);
  }
  hr_output_forward(&model->output, model->last, count, &pass);
  model->rows = count;
  generation->length += count;
  generation->last = count;
  generation->last_token = tokens[count - 1];
}

/* Makes room: what is older than the window is forgotten. */
static void forget(hr_model *model) {
  const hr_config *config = &model->config;
  hr_generation *generation = &model->generation;
  const int32_t window = hr_generation_window(config), width = config->heads * config->d_head;
  const int32_t forgotten = generation->length - window;
  if (forgotten <= 0) return;
  for (int32_t i = 0; i < config->layers; i++) {
    hr_real *kv = model->layers[i].cache.kv;
    memmove(kv, kv + (ptrdiff_t)forgotten * 2 * width, (size_t)window * 2 * (size_t)width * sizeof *kv);
  }
  generation->length = window;
}

hr_status hr_generation_feed(hr_model *model, const int32_t *tokens, int32_t count) {
  const hr_config *config = &model->config;
  if (config->kind != HR_LANGUAGE_MODEL || count < 1 || count > config->context_length)
    return HR_ERROR_ARGUMENT;
  if (hr_generation_stale(model)) return HR_ERROR_ARGUMENT;
  for (int32_t i = 0; i < count; i++) {
    if (tokens[i] < 0 || tokens[i] >= config->vocab_size) return HR_ERROR_ARGUMENT;
  }
  forget(model);
  read_tokens(model, tokens, count);
  return HR_OK;
}

/* Sorts ids by falling chance, ties by id, so that the sum that is cut at top_p has one order: heap sort, in place and
 * without recursion. */
static bool before(const hr_real *chances, int32_t a, int32_t b) {
  return chances[a] > chances[b] || (chances[a] == chances[b] && a < b);
}

static void sift(int32_t *ids, const hr_real *chances, int32_t root, int32_t count) {
  for (int32_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && before(chances, ids[child], ids[child + 1])) child++;
    if (!before(chances, ids[root], ids[child])) return;
    int32_t swap = ids[root];
    ids[root] = ids[child];
    ids[child] = swap;
  }
}

static void sort_by_chance(int32_t *ids, const hr_real *chances, int32_t count) {
  for (int32_t i = 0; i < count; i++) ids[i] = i;
  for (int32_t root = count / 2 - 1; root >= 0; root--) sift(ids, chances, root, count);
  for (int32_t end = count - 1; end > 0; end--) {
    int32_t swap = ids[0];
    ids[0] = ids[end];
    ids[end] = swap;
    sift(ids, chances, 0, end);
  }
}

hr_status hr_generation_sample(hr_model *model, double temperature, double top_p, uint64_t *state,
                               int32_t *token) {
  const int32_t v = model->config.vocab_size;
  hr_generation *generation = &model->generation;
  if (generation->length == 0 || hr_generation_stale(model)) return HR_ERROR_ARGUMENT;
  if (!(temperature >= 0) || !(top_p > 0) || top_p > 1) return HR_ERROR_ARGUMENT;
  if (generation->last == 0) {
    /* Another call overwrote the logits: the last token is read once more, in its own place and before the same text. */
    const int32_t again = generation->last_token;
    generation->length--;
    read_tokens(model, &again, 1);
  }
  const hr_real *logits = model->output.logits + (ptrdiff_t)(generation->last - 1) * v;
  hr_real *chances = model->chances;
  int32_t best = 0;
  for (int32_t i = 1; i < v; i++) {
    if (logits[i] > logits[best]) best = i;
  }
  *token = best;
  if (temperature == 0) return HR_OK;
  /* Differences to the largest first: a tiny temperature must not overflow. */
  for (int32_t i = 0; i < v; i++) chances[i] = (hr_real)((double)(logits[i] - logits[best]) / temperature);
  hr_softmax(chances, chances, v);
  sort_by_chance(model->order, chances, v);
  double kept = 0;
  int32_t count = 0;
  while (count < v && kept < top_p) kept += (double)chances[model->order[count++]];
  double draw = hr_uniform(*state, 0) * kept;
  *state = hr_key(*state, 1);
  int32_t at = 0;
  for (; at < count - 1; at++) {
    draw -= (double)chances[model->order[at]];
    if (draw < 0) break;
  }
  *token = model->order[at];
  return HR_OK;
}
