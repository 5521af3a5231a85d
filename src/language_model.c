/* The Transformer-XL language model: embedding, layers of attention and mixtures of experts, tied output.
 * Source: MemTransformerLM in mem_transformer.py of the published code. */
#include "embedding.h"
#include "kernels/vector.h"
#include "model.h"

void hr_language_forward(hr_model *model, const int32_t *tokens, const hr_pass *pass) {
  const hr_segment *segment = &pass->segment;
  const int32_t n = hr_pass_tokens(pass), s = segment->memory + segment->length, d = model->config.d_model;
  hr_model_generate_routers(model, pass);
  memcpy(model->dropped, model->positions + (ptrdiff_t)(model->positions_count - s) * d,
         (size_t)s * (size_t)d * sizeof(hr_real));
  hr_dropout(model->dropped, s * d, hr_dropout_key(pass, 0, HR_DROP_POSITIONS), 0, pass->dropout);
  hr_embedding_forward(model->layers[0].x, model->embedding, tokens, d, pass);
  for (int32_t i = 0; i < model->config.layers; i++) {
    hr_layer *layer = &model->layers[i];
    hr_real *out = i + 1 < model->config.layers ? model->layers[i + 1].x : model->last;
    hr_attention_forward(&layer->attention, layer->middle, layer->x, layer->memory, model->dropped,
                         &model->attention_scratch, pass);
    hr_feedforward_forward(&layer->feedforward, out, layer->middle, &model->feedforward_scratch, pass);
  }
  hr_dropout(model->last, n * d, hr_dropout_key(pass, 0, HR_DROP_OUTPUT), 0, pass->dropout);
  hr_output_forward(&model->output, model->last, n, pass);
  model->rows = n;
}

/* Takes cos(0) = 1 off the cosine half of the positions. The gradients of the scores sum to zero over the distances,
 * since a softmax does not see what all its logits share, so this changes no gradient of r_net; but the slow cosines,
 * all close to 1, now keep their tiny gradients, which Adam makes large, out of the rounding errors. */
static void centre_positions(hr_model *model, const hr_pass *pass) {
  const int32_t s = pass->segment.memory + pass->segment.length, d = model->config.d_model;
  if (pass->dropout == 0) {
    memcpy(model->dropped, model->centred + (ptrdiff_t)(model->positions_count - s) * d,
           (size_t)s * (size_t)d * sizeof(hr_real));
    return;
  }
  for (int32_t c = 0; c < s; c++) {
    hr_real *cosines = model->dropped + (ptrdiff_t)c * d + d / 2;
    for (int32_t i = 0; i < d / 2; i++) cosines[i] -= 1;
  }
}

double hr_language_backward(hr_model *model, const int32_t *tokens, const int32_t *targets,
                            const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), d = model->config.d_model;
  hr_real *dx = model->dx;
  centre_positions(model, pass);
  const double loss = hr_output_backward(&model->output, dx, model->last, targets, n, pass);
  hr_dropout(dx, n * d, hr_dropout_key(pass, 0, HR_DROP_OUTPUT), 0, pass->dropout);
  for (int32_t i = model->config.layers - 1; i >= 0; i--) {
    hr_layer *layer = &model->layers[i];
    hr_feedforward_backward(&layer->feedforward, dx, layer->middle, &model->feedforward_scratch, pass);
    hr_attention_backward(&layer->attention, dx, layer->x, layer->memory, model->dropped,
                          &model->attention_scratch, pass);
  }
  hr_embedding_backward(model->embedding, dx, tokens, d, pass);
  return loss;
}

void hr_language_remember(hr_model *model, const hr_pass *pass) {
  const int32_t most = model->config.memory_length, t = pass->segment.length, m = pass->segment.memory;
  const int32_t d = model->config.d_model;
  const int32_t fresh = t < most ? t : most;
  const int32_t old = m < most - fresh ? m : most - fresh;
  for (int32_t i = 0; i < model->config.layers; i++) {
    for (int32_t b = 0; b < pass->segment.batch; b++) {
      hr_real *memory = model->layers[i].memory + (ptrdiff_t)b * most * d;
      const hr_real *x = model->layers[i].x + (ptrdiff_t)b * t * d;
      memmove(memory, memory + (ptrdiff_t)(m - old) * d, (size_t)old * (size_t)d * sizeof *memory);
      memcpy(memory + (ptrdiff_t)old * d, x + (ptrdiff_t)(t - fresh) * d,
             (size_t)fresh * (size_t)d * sizeof *memory);
    }
  }
  model->memory_length = old + fresh;
  model->memory_batch = pass->segment.batch;
}
