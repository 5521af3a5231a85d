/* Training: steps that are Adam's, losses that fall, and divergence that leaves the last good state. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

/* Some steps against Adam in double, fed with the engine's own gradients. */
static void test_steps(hr_config config, double clip) {
  config.weight_decay = 0.05;
  config.beta1 = 0.8;
  config.epsilon = 1e-4;
  hr_model *model = new_model(&config);
  randomise_parameters(model, 11);
  const int32_t count = hr_model_parameter_count(model);
  double **state = calloc((size_t)count, sizeof *state);
  for (int32_t i = 0; i < count; i++) {
    const hr_parameter *parameter = hr_model_parameter(model, i);
    state[i] = calloc((size_t)parameter->size * 3, sizeof **state);
    for (int32_t j = 0; j < parameter->size; j++) state[i][3 * j] = (double)parameter->data[j];
  }
  const double rate = 0.01;
  for (int step = 1; step <= 4; step++) {
    sample data = new_sample(model, (uint64_t)step);
    data.batch.carry_memory = false;
    hr_result seen, taken;
    CHECK_OK(hr_model_gradients(model, &data.batch, &seen));
    double squares = 0;
    for (int32_t i = 0; i < count; i++) {
      const hr_parameter *parameter = hr_model_parameter(model, i);
      for (int32_t j = 0; parameter->role == HR_TRAINED && j < parameter->size; j++)
        squares += (double)parameter->grad[j] * (double)parameter->grad[j];
    }
    CHECK_NEAR(seen.grad_norm, sqrt(squares), 1e-6 * sqrt(squares));
    const double scale = clip > 0 && sqrt(squares) > clip ? clip / sqrt(squares) : 1;
    for (int32_t i = 0; i < count; i++) {
      const hr_parameter *parameter = hr_model_parameter(model, i);
      for (int32_t j = 0; parameter->role == HR_TRAINED && j < parameter->size; j++) {
        double *p = state[i] + 3 * j, g = scale * (double)parameter->grad[j];
        p[1] = config.beta1 * p[1] + (1 - config.beta1) * g;
        p[2] = config.beta2 * p[2] + (1 - config.beta2) * g * g;
        p[0] *= 1 - rate * config.weight_decay;
        p[0] -= rate * p[1] / (1 - pow(config.beta1, step)) /
                (sqrt(p[2] / (1 - pow(config.beta2, step))) + config.epsilon);
      }
    }
    CHECK_OK(hr_model_train_step(model, &data.batch, rate, clip, &taken));
    CHECK(taken.loss == seen.loss && taken.grad_norm == seen.grad_norm);
    free_sample(&data);
  }
  for (int32_t i = 0; i < count; i++) {
    const hr_parameter *parameter = hr_model_parameter(model, i);
    double worst = 0;
    for (int32_t j = 0; j < parameter->size; j++)
      worst = fmax(worst, fabs((double)parameter->data[j] - state[i][3 * j]));
    CHECK_THAT(worst < (parameter->role == HR_TRAINED ? 2e-5 : 1e-30),
               "%s is off by %g after four steps of Adam", parameter->name, worst);
    free(state[i]);
  }
  free(state);
  hr_model_destroy(model);
}

/* A handful of sentences by heart: every router must be able to learn them. */
static void test_learns(hr_config config) {
  hr_model *model = new_model(&config);
  sample data = new_sample(model, 21);
  data.batch.carry_memory = false;
  hr_result first, last;
  CHECK_OK(hr_model_evaluate(model, &data.batch, &first));
  for (int step = 0; step < 150; step++) CHECK_OK(hr_model_train_step(model, &data.batch, 0.01, 0.25, &last));
  CHECK_OK(hr_model_evaluate(model, &data.batch, &last));
  CHECK_THAT(last.loss < 0.5 * first.loss, "the loss fell from %g to %g", first.loss, last.loss);
  free_sample(&data);
  hr_model_destroy(model);
}

/* The failing step leaves the last parameters, and the model can still be asked for its routing. */
static void check_diverges(hr_model *model, const hr_batch *batch) {
  const uint64_t before = fingerprint(model);
  hr_result result;
  CHECK_INT(hr_model_train_step(model, batch, 1e-3, 1, &result), HR_ERROR_DIVERGED);
  CHECK(fingerprint(model) == before);
  CHECK_INT(hr_model_gradients(model, batch, &result), HR_ERROR_DIVERGED);
  CHECK(fingerprint(model) == before);
  hr_routing routing;
  for (int32_t layer = 0; layer < hr_model_config(model)->layers; layer++) {
    if (router_routes(hr_model_config(model)->router)) CHECK_OK(hr_model_routing(model, layer, &routing));
  }
}

static void test_divergence(hr_config config) {
  test_context("%s %s", config.kind == HR_CLASSIFIER ? "classifier" : "language model",
               router_name(config.router));
  hr_model *model = new_model(&config);
  train_steps(model, 0, 2);
  sample data = new_sample(model, 81);
  hr_result result;
  hr_status status = HR_OK;
  int steps = 0;
  for (; status == HR_OK && steps < 20; steps++) {
    const uint64_t before = fingerprint(model);
    status = hr_model_train_step(model, &data.batch, 1e30, 0, &result);
    if (status != HR_OK) CHECK(fingerprint(model) == before);
  }
  CHECK_INT(status, HR_ERROR_DIVERGED);
  check_diverges(model, &data.batch);
  CHECK_INT(hr_model_evaluate(model, &data.batch, &result), HR_ERROR_DIVERGED);

  /* A healthy state put back, the model goes on as if nothing had been. */
  hr_model *healthy = new_model(&config);
  randomise_parameters(model, 82);
  randomise_parameters(healthy, 82);
  data.batch.carry_memory = false;
  hr_result a, b;
  CHECK_OK(hr_model_set_step(model, 0));
  CHECK_OK(hr_model_gradients(model, &data.batch, &a));
  CHECK_OK(hr_model_gradients(healthy, &data.batch, &b));
  CHECK(a.loss == b.loss && a.grad_norm == b.grad_norm);

  /* A NaN in any tensor that has a part in the result is found out. */
  for (int32_t i = 0; i < hr_model_parameter_count(model); i++) {
    hr_parameter *parameter = hr_model_parameter(model, i);
    /* The table of the hash router has no part in a number: it only says who is chosen. */
    if (strstr(parameter->name, "gate.table")) continue;
    /* Nor have tensors that only the caller's router reads. */
    if (strstr(parameter->name, "gate.u") || strstr(parameter->name, "gate.fixed")) continue;
    const hr_real was = parameter->data[0];
    test_context("a NaN in %s", parameter->name);
    parameter->data[0] = (hr_real)NAN;
    hr_model_invalidate(model);
    CHECK_OK(hr_model_set_top_k(model, config.experts));
    const hr_status found = hr_model_gradients(model, &data.batch, &a);
    CHECK_INT(found, HR_ERROR_DIVERGED);
    parameter->data[0] = was;
  }
  hr_model_invalidate(model);
  test_context("%s", "");
  free_sample(&data);
  hr_model_destroy(model);
  hr_model_destroy(healthy);
}

/* A finite loss whose gradient is not: huge features, tiny weights, and the steep layer norm of a small input. */
static void test_infinite_gradient(void) {
  hr_config config = small_classifier(1);
  config.input_size = 1;
  config.layers = 1;
  hr_model *model = new_model(&config);
  randomise_parameters(model, 91);
  hr_parameter *input = find_parameter(model, "input.weight"), *bias = find_parameter(model, "input.bias");
  for (int32_t i = 0; i < input->size; i++) input->data[i] *= 1e-38f;
  for (int32_t i = 0; i < bias->size; i++) bias->data[i] *= 1e-2f;
  hr_model_invalidate(model);
  sample data = new_sample(model, 92);
  for (int32_t i = 0; i < config.batch_size; i++) data.features[i] = 3e38f;
  hr_result result;
  CHECK_OK(hr_model_evaluate(model, &data.batch, &result));
  check_diverges(model, &data.batch);
  free_sample(&data);
  hr_model_destroy(model);
}

/* A step in two halves is a step in one, to the bit; what the caller adds to a gradient in between counts like what the
 * engine computed. */
static void test_halves(hr_config config) {
  config.dropout = 0.1;
  hr_model *whole = new_model(&config), *halves = new_model(&config);
  sample data = new_sample(whole, 31);
  hr_result a, b, c;
  CHECK_REFUSED(hr_model_finish_step(halves, 0.01, 0.25, &b));
  CHECK_REFUSED(hr_model_finish_gradients(halves, &b));
  for (int step = 0; step < 3; step++) {
    CHECK_OK(hr_model_train_step(whole, &data.batch, 0.01, 0.25, &a));
    CHECK_OK(hr_model_backward(halves, &data.batch, &b));
    CHECK_OK(hr_model_finish_step(halves, 0.01, 0.25, &c));
    CHECK(a.loss == b.loss && a.loss == c.loss && a.auxiliary == c.auxiliary && a.grad_norm == c.grad_norm);
    CHECK(fingerprint(whole) == fingerprint(halves));
    CHECK_REFUSED(hr_model_finish_step(halves, 0.01, 0.25, &c));
  }
  CHECK_OK(hr_model_gradients(whole, &data.batch, &a));
  CHECK_OK(hr_model_backward(halves, &data.batch, &b));
  CHECK_OK(hr_model_finish_gradients(halves, &c));
  CHECK(a.loss == c.loss && a.grad_norm == c.grad_norm && fingerprint(whole) == fingerprint(halves));

  const uint64_t before = fingerprint(halves);
  CHECK_OK(hr_model_backward(halves, &data.batch, &b));
  CHECK_REFUSED(hr_model_finish_step(halves, -1, 0, &c));
  CHECK_REFUSED(hr_model_finish_step(halves, 1, NAN, &c));
  CHECK_OK(hr_model_evaluate(whole, &data.batch, &a));
  CHECK(fingerprint(halves) == before);
  CHECK_OK(hr_model_evaluate(halves, &data.batch, &a));
  CHECK_REFUSED(hr_model_finish_step(halves, 0.01, 0, &c));
  CHECK(fingerprint(whole) == fingerprint(halves));
  free_sample(&data);
  hr_model_destroy(whole);
  hr_model_destroy(halves);
}

/* The gradient of R and b is the caller's to carry on; what it adds to that of a tensor trains it, and cannot leave the
 * model with numbers that are none. */
static void test_custom_router(void) {
  hr_config config = small_language_model(router_named("custom"), false);
  hr_model *model = new_model(&config);
  randomise_parameters(model, 33);
  sample data = new_sample(model, 32);
  hr_parameter *u = find_parameter(model, "layers.1.pos_ff.gate.u");
  hr_parameter *weight = find_parameter(model, "layers.1.pos_ff.gate.generated.weight");
  hr_parameter *bias = find_parameter(model, "layers.1.pos_ff.gate.generated.bias");
  const hr_real first = u->data[0], second = u->data[1], given = weight->data[0];
  hr_result begun, done;
  CHECK_OK(hr_model_backward(model, &data.batch, &begun));
  CHECK(largest(weight->grad, weight->size) > 0 && largest(bias->grad, bias->size) > 0);
  CHECK(largest(u->grad, u->size) == 0);
  u->grad[0] += 2;
  CHECK_OK(hr_model_finish_step(model, 0.01, 0, &done));
  CHECK_NEAR(u->data[0], first - 0.01, 1e-6);
  CHECK(same_bits(&u->data[1], &second, 1) && same_bits(&weight->data[0], &given, 1));
  CHECK_OK(hr_model_backward(model, &data.batch, &begun));
  CHECK(u->grad[0] == 0);
  CHECK_OK(hr_model_finish_gradients(model, &done));
  const double norm = done.grad_norm;
  CHECK_OK(hr_model_set_memory(model, 0, 0));
  CHECK_OK(hr_model_backward(model, &data.batch, &begun));
  CHECK_OK(hr_model_finish_gradients(model, &done));
  CHECK_OK(hr_model_set_memory(model, 0, 0));
  CHECK_OK(hr_model_backward(model, &data.batch, &begun));
  u->grad[0] += (hr_real)(2 * norm);
  const double alone = done.grad_norm;
  CHECK_OK(hr_model_finish_gradients(model, &done));
  CHECK_NEAR(done.grad_norm, sqrt(alone * alone + 4 * norm * norm), 1e-5 * norm);

  const uint64_t before = fingerprint(model);
  CHECK_OK(hr_model_backward(model, &data.batch, &begun));
  u->grad[0] = (hr_real)NAN;
  CHECK_INT(hr_model_finish_step(model, 0.01, 0.25, &done), HR_ERROR_DIVERGED);
  CHECK(fingerprint(model) == before);
  CHECK_REFUSED(hr_model_finish_step(model, 0.01, 0.25, &done));

  /* A gradient whose square Adam could not keep is no step, unless it is clipped. */
  CHECK_OK(hr_model_backward(model, &data.batch, &begun));
  u->grad[0] = (hr_real)1.5e19;
  CHECK_INT(hr_model_finish_step(model, 0.01, 0, &done), HR_ERROR_DIVERGED);
  CHECK(fingerprint(model) == before && done.grad_norm > HR_GRADIENT_MAX);
  CHECK_OK(hr_model_backward(model, &data.batch, &begun));
  u->grad[0] = (hr_real)1.5e19;
  CHECK_INT(hr_model_finish_step(model, 0.01, 1e30, &done), HR_ERROR_DIVERGED);
  CHECK_OK(hr_model_backward(model, &data.batch, &begun));
  u->grad[0] = (hr_real)1.5e19;
  CHECK_OK(hr_model_finish_step(model, 0.01, 0.25, &done));
  CHECK(fingerprint(model) != before);
  free_sample(&data);
  hr_model_destroy(model);
}

int main(void) {
  for (int32_t router = 0; router < router_count(); router++) {
    const hr_config language = small_language_model(router, router % 2),
                    classifier = small_classifier(router);
    test_steps(language, 0.1);
    test_learns(language);
    test_divergence(language);
    const hr_config text = small_text_classifier(router, router % 2);
    test_steps(text, 0.1);
    test_learns(text);
    if (!router_fits(router, HR_CLASSIFIER)) continue;
    test_steps(classifier, 0);
    test_learns(classifier);
    test_divergence(classifier);
    test_steps(small_regressor(router), 0);
  }
  test_infinite_gradient();
  test_halves(small_language_model(0, true));
  test_halves(small_classifier(0));
  test_custom_router();
  return test_report("training");
}
