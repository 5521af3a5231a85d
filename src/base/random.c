#include "base/random.h"

#include "base/math.h"

double hr_uniform(uint64_t key, uint64_t index) {
  return ((double)(hr_key(key, index) >> 11) + 0.5) * 0x1p-53;
}

void hr_fill_normal(hr_real *x, int32_t n, double mean, double deviation, uint64_t key) {
  for (int32_t i = 0; i < n; i += 2) {
    double radius = deviation * hr_sqrt(-2 * hr_log(hr_uniform(key, (uint64_t)i)));
    double angle = 6.28318530717958647693 * hr_uniform(key, (uint64_t)i + 1);
    x[i] = (hr_real)(mean + radius * hr_cos(angle));
    if (i + 1 < n) x[i + 1] = (hr_real)(mean + radius * hr_sin(angle));
  }
}
