/* The classifier: a linear map to the width of the model, layers of mixtures of experts, a linear map to classes. */
#include "kernels/vector.h"
#include "model.h"

void hr_classifier_forward(hr_model *model, const hr_real *features, const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), d = model->config.d_model, inputs = model->config.input_size;
  hr_model_generate_routers(model, pass);
  hr_real *x = model->layers[0].x;
  hr_multiply(pass, x, d, hr_rows(features, inputs), hr_columns(model->input_weight->data, inputs), n, d,
              inputs, HR_SET);
  hr_add_bias(x, model->input_bias->data, n, d);
  for (int32_t i = 0; i < model->config.layers; i++) {
    hr_real *out = i + 1 < model->config.layers ? model->layers[i + 1].x : model->last;
    hr_feedforward_forward(&model->layers[i].feedforward, out, model->layers[i].x,
                           &model->feedforward_scratch, pass);
  }
  hr_output_forward(&model->output, model->last, n, pass);
  model->rows = n;
}

double hr_classifier_backward(hr_model *model, const hr_real *features, const int32_t *targets,
                              const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass), d = model->config.d_model, inputs = model->config.input_size;
  hr_real *dx = model->dx;
  const double loss = hr_output_backward(&model->output, dx, model->last, targets, n, pass);
  for (int32_t i = model->config.layers - 1; i >= 0; i--) {
    hr_feedforward_backward(&model->layers[i].feedforward, dx, model->layers[i].x,
                            &model->feedforward_scratch, pass);
  }
  hr_multiply(pass, model->input_weight->grad, inputs, hr_columns(dx, d), hr_rows(features, inputs), d,
              inputs, n, HR_ACCUMULATE);
  hr_add_rows(model->input_bias->grad, dx, n, d);
  return loss;
}
