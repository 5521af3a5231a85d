#include "norm.h"

#include "base/math.h"
#include "kernels/vector.h"

static const double EPSILON = 1e-5;

void hr_norm_declare(hr_norm *self, hr_parameters *parameters, int32_t layer, const char *weight_name,
                     const char *bias_name, int32_t d) {
  self->weight =
      hr_parameters_declare(parameters, layer, weight_name, HR_INITIAL_NEAR_ONE, HR_TRAINED, d, 0, 0);
  self->bias = hr_parameters_declare(parameters, layer, bias_name, HR_INITIAL_ZERO, HR_TRAINED, d, 0, 0);
}

void hr_norm_forward(const hr_norm *self, hr_real *y, hr_real *stats, const hr_real *x, int32_t n,
                     int32_t d) {
  for (int32_t i = 0; i < n; i++) {
    const hr_real *x_i = x + (ptrdiff_t)i * d;
    hr_real mean = hr_total(x_i, d) / (hr_real)d;
    hr_real variance = hr_squared_deviations(x_i, mean, d) / (hr_real)d;
    hr_real scale = (hr_real)(1 / hr_sqrt((double)variance + EPSILON));
    hr_normalize(y + (ptrdiff_t)i * d, x_i, mean, scale, self->weight->data, self->bias->data, d);
    stats[2 * i] = mean;
    stats[2 * i + 1] = scale;
  }
}

void hr_norm_backward(const hr_norm *self, hr_real *dx, const hr_real *dy, const hr_real *x,
                      const hr_real *stats, int32_t n, int32_t d) {
  for (int32_t i = 0; i < n; i++) {
    ptrdiff_t at = (ptrdiff_t)i * d;
    hr_normalize_backward(dx + at, self->weight->grad, self->bias->grad, dy + at, x + at, stats[2 * i],
                          stats[2 * i + 1], self->weight->data, d);
  }
}
