#include "optimizer.h"

#include "base/math.h"
#include "kernels/vector.h"

double hr_gradient_norm(const hr_parameters *parameters) {
  return hr_sqrt(hr_sum_of_squares(parameters->grad, (int32_t)parameters->trained));
}

/* base^exponent by squaring: the same on every machine. */
static double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base) {
    if (exponent & 1) result *= base;
  }
  return result;
}

void hr_optimizer_step(hr_parameters *parameters, const hr_config *config, int64_t step, double learning_rate,
                       double clip, double grad_norm) {
  /* 1e-6: as PyTorch. */
  double scale = clip > 0 && grad_norm > clip ? clip / (grad_norm + 1e-6) : 1;
  hr_adam adam = {.rate = learning_rate,
                  .beta1 = config->beta1,
                  .beta2 = config->beta2,
                  .epsilon = config->epsilon,
                  .decay = config->weight_decay,
                  .correction1 = 1 - power(config->beta1, step),
                  .correction2 = 1 - power(config->beta2, step),
                  .scale = scale};
  hr_adam_update(parameters->data, parameters->m, parameters->v, parameters->grad,
                 (int32_t)parameters->trained, &adam);
}
