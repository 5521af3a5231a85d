/* How alike experts are: against the outputs of all of them, computed one by one in plain loops. */
#include <math.h>
#include <stdlib.h>

#include "model.h"
#include "testing.h"

/* Output of an expert for one token, in double. */
static void expert_output(double *o, const hr_moe *moe, int32_t id, const hr_real *x) {
  const int32_t d = moe->experts.d, f = moe->experts.f;
  for (int32_t i = 0; i < d; i++) o[i] = (double)moe->experts.c2->data[id * d + i];
  for (int32_t j = 0; j < f; j++) {
    double h = (double)moe->experts.c1->data[id * f + j];
    for (int32_t i = 0; i < d; i++) h += (double)moe->experts.w1->data[(id * f + j) * d + i] * (double)x[i];
    if (h <= 0) continue;
    for (int32_t i = 0; i < d; i++) o[i] += h * (double)moe->experts.w2->data[(id * d + i) * f + j];
  }
}

static double dot(const double *a, const double *b, int32_t n) {
  double sum = 0;
  for (int32_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static double plain_similarity(const hr_moe *moe, const hr_real *x) {
  const int32_t d = moe->experts.d, e = moe->experts.count;
  double *outputs = calloc((size_t)(e * d), sizeof *outputs), total = 0;
  for (int32_t n = 0; n < moe->assignments.tokens; n++) {
    for (int32_t id = 0; id < e; id++) expert_output(outputs + id * d, moe, id, x + n * d);
    for (int32_t a = 0; a < e; a++) {
      for (int32_t b = 0; b < e; b++) {
        const double *u = outputs + a * d, *v = outputs + b * d;
        if (a != b) total += dot(u, v, d) / sqrt(dot(u, u, d) * dot(v, v, d));
      }
    }
  }
  free(outputs);
  return total / moe->assignments.tokens / e / (e - 1);
}

static void check_classifier(bool pre_layer_norm) {
  hr_config config = small_classifier(router_named("smoe"));
  config.pre_layer_norm = pre_layer_norm;
  hr_model *model = new_model(&config);
  randomise_parameters(model, 5);
  hr_real *features = new_normal((int64_t)config.batch_size * config.input_size, 1);
  const hr_batch batch = {.features = features, .batch = config.batch_size, .length = 1};
  CHECK_OK(hr_model_predict(model, &batch));
  for (int32_t layer = 0; layer < config.layers; layer++) {
    const hr_feedforward *feedforward = &model->network.layers[layer].feedforward;
    const hr_real *x = pre_layer_norm ? feedforward->sum : model->network.layers[layer].x;
    double similarity;
    CHECK_OK(hr_model_expert_similarity(model, layer, &similarity));
    test_context("layer %d, layer norm %s", layer, pre_layer_norm ? "before" : "after");
    CHECK_NEAR(similarity, plain_similarity(&feedforward->moe, x), 1e-5);
    CHECK(similarity < 0.99);
  }

  /* The same network for all experts is collapse. */
  const hr_moe *moe = &model->network.layers[0].feedforward.moe;
  hr_parameter *const tensors[] = {moe->experts.w1, moe->experts.c1, moe->experts.w2, moe->experts.c2};
  for (int32_t t = 0; t < 4; t++) {
    const int32_t size = tensors[t]->size / config.experts;
    for (int32_t i = size; i < tensors[t]->size; i++) tensors[t]->data[i] = tensors[t]->data[i % size];
  }
  hr_model_invalidate(model);
  CHECK_OK(hr_model_predict(model, &batch));
  double similarity;
  CHECK_OK(hr_model_expert_similarity(model, 0, &similarity));
  CHECK_NEAR(similarity, 1, 1e-5);
  CHECK_REFUSED(hr_model_expert_similarity(model, -1, &similarity));
  CHECK_REFUSED(hr_model_expert_similarity(model, config.layers, &similarity));
  free(features);
  hr_model_destroy(model);
}

int main(void) {
  random_seed(11);
  check_classifier(false);
  check_classifier(true);

  hr_config dense = small_classifier(router_named("dense"));
  hr_model *model = new_model(&dense);
  double similarity;
  CHECK_REFUSED(hr_model_expert_similarity(model, 0, &similarity));
  hr_model_destroy(model);
  return test_report("similarity");
}
