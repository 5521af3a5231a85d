/* The functions of rows against plain loops in double, over all small lengths and some longer ones, so that every
 * remainder behind the last whole vector occurs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "kernels/vector.h"
#include "testing.h"

static const int32_t LENGTHS[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,   10,  11,  12,  13,  15,  16,
                                  17, 19, 23, 29, 31, 32, 33, 63, 65, 127, 255, 257, 258, 259, 1003};
enum { LENGTH_COUNT = sizeof LENGTHS / sizeof *LENGTHS };

static const double EPSILON = 0x1p-23;

static hr_real *copy(const hr_real *x, int32_t n) {
  hr_real *y = new_reals(n);
  if (n > 0) memcpy(y, x, (size_t)n * sizeof *x);
  return y;
}

static void test_elementwise(int32_t n) {
  hr_real *x = new_normal(n, 1), *y = new_normal(n, 1), *z = new_reals(n);
  const hr_real a = (hr_real)-1.75;

  hr_fill(z, a, n);
  for (int32_t i = 0; i < n; i++) CHECK(z[i] == a);
  hr_sum(z, x, y, n);
  for (int32_t i = 0; i < n; i++) CHECK_NEAR(z[i], (double)x[i] + (double)y[i], EPSILON * 4);
  hr_real *sum = copy(x, n);
  hr_sum(sum, sum, y, n);
  CHECK(same_bits(sum, z, n));
  memcpy(sum, y, (size_t)n * sizeof *y);
  hr_sum(sum, x, sum, n);
  CHECK(same_bits(sum, z, n));
  memcpy(sum, x, (size_t)n * sizeof *x);
  hr_add(sum, y, n);
  CHECK(same_bits(sum, z, n));

  hr_real *scaled = copy(x, n);
  hr_scale(z, a, x, n);
  for (int32_t i = 0; i < n; i++) CHECK_NEAR(z[i], (double)a * (double)x[i], EPSILON * 8);
  hr_scale(scaled, a, scaled, n);
  CHECK(same_bits(scaled, z, n));

  memcpy(sum, y, (size_t)n * sizeof *y);
  hr_add_scaled(sum, a, x, n);
  for (int32_t i = 0; i < n; i++) CHECK_NEAR(sum[i], (double)y[i] + (double)a * (double)x[i], EPSILON * 8);

  hr_real *gate = new_reals(n);
  for (int32_t i = 0; i < n; i++) gate[i] = (hr_real)(random_below(3) - 1);
  memcpy(z, x, (size_t)n * sizeof *x);
  double dot = 0;
  for (int32_t i = 0; i < n; i++) dot += (double)x[i] * (double)gate[i];
  CHECK_NEAR(hr_relu_backward(z, a, gate, n), dot, EPSILON * 8 * (n + 1));
  for (int32_t i = 0; i < n; i++)
    CHECK_NEAR(z[i], gate[i] > 0 ? (double)a * (double)x[i] : 0, gate[i] > 0 ? EPSILON * 8 : 0);
  free(x);
  free(y);
  free(z);
  free(sum);
  free(scaled);
  free(gate);
}

static void test_reductions(int32_t n) {
  hr_real *x = new_normal(n, 1), *y = new_normal(n, 1);
  double dot = 0, total = 0, spread = 0, squares = 0, most = -INFINITY, size = 0;
  const hr_real mean = (hr_real)0.3;
  for (int32_t i = 0; i < n; i++) {
    dot += (double)x[i] * (double)y[i];
    total += (double)x[i];
    spread += ((double)x[i] - (double)mean) * ((double)x[i] - (double)mean);
    squares += (double)x[i] * (double)x[i];
    most = fmax(most, (double)x[i]);
    size += 1 + fabs((double)x[i] * (double)y[i]) + (double)x[i] * (double)x[i];
  }
  const double tolerance = EPSILON * (2 + sqrt((double)n)) * (1 + size / sqrt(n + 1.0));
  CHECK_NEAR(hr_dot(x, y, n), dot, tolerance);
  CHECK_NEAR(hr_total(x, n), total, tolerance);
  CHECK_NEAR(hr_squared_deviations(x, mean, n), spread, tolerance);
  CHECK_NEAR(hr_sum_of_squares(x, n), squares, tolerance);
  if (n == 0) CHECK(hr_dot(x, y, 0) == 0 && hr_total(x, 0) == 0 && hr_sum_of_squares(x, 0) == 0);
  CHECK(hr_all_finite(x, n));
  if (n > 0) CHECK((double)hr_maximum(x, n) == most);
  for (int32_t i = 0; i < n && n < 40; i++) {
    /* Each place in turn holds the largest number, or one that is none. */
    const hr_real was = x[i];
    x[i] = 100;
    CHECK(hr_maximum(x, n) == 100);
    x[i] = (hr_real)NAN;
    CHECK(!hr_all_finite(x, n));
    CHECK(isnan(hr_total(x, n)) && isnan(hr_dot(x, y, n)) && isnan(hr_sum_of_squares(x, n)));
    x[i] = (hr_real)-INFINITY;
    CHECK(!hr_all_finite(x, n));
    x[i] = was;
  }
  for (int32_t i = 0; i < n; i++) x[i] = -5 - (hr_real)i;
  if (n > 0) CHECK(hr_maximum(x, n) == -5);
  free(x);
  free(y);
}

static void test_rows(int32_t n) {
  for (int32_t m = 0; m <= 4; m++) {
    hr_real *x = new_normal(m * n, 1), *bias = new_normal(n, 1), *y = copy(x, m * n), *sums = copy(bias, n);
    hr_add_bias(y, bias, m, n);
    for (int32_t i = 0; i < m * n; i++) CHECK_NEAR(y[i], (double)x[i] + (double)bias[i % n], EPSILON * 8);
    memcpy(y, x, (size_t)(m * n) * sizeof *x);
    hr_add_bias_relu(y, bias, m, n);
    for (int32_t i = 0; i < m * n; i++)
      CHECK_NEAR(y[i], fmax(0, (double)x[i] + (double)bias[i % n]), EPSILON * 8);
    hr_add_rows(sums, x, m, n);
    for (int32_t j = 0; j < n; j++) {
      double sum = (double)bias[j];
      for (int32_t i = 0; i < m; i++) sum += (double)x[i * n + j];
      CHECK_NEAR(sums[j], sum, EPSILON * 16);
    }
    if (m > 0 && n > 0) {
      /* A diverged model must not look healthy behind its rectifiers. */
      y[0] = (hr_real)NAN;
      hr_add_bias_relu(y, bias, m, n);
      CHECK(isnan(y[0]));
    }
    free(x);
    free(bias);
    free(y);
    free(sums);
  }
}

static double exp_of(double x) {
  hr_vec v = hr_vec_exp(hr_splat((hr_real)x));
  for (int lane = 1; lane < HR_LANES; lane++) CHECK(v[lane] == v[0] || isnan(x));
  return (double)v[0];
}

static void test_exp(void) {
  double worst = 0, at = 0;
  for (double x = -87; x <= 88; x += 0.00071) {
    const double error = fabs(exp_of(x) / exp((double)(hr_real)x) - 1);
    if (!(error <= worst)) {
      worst = error;
      at = x;
    }
  }
  printf("exp of a vector: relative error %.3g at %g\n", worst, at);
  CHECK(worst < 2.5e-7);
  CHECK(exp_of(0) == 1);
  CHECK(isnan(exp_of(NAN)));
  static const double LOW[] = {-87.5, -100, -1e5, -1e30, -INFINITY}, HIGH[] = {88.5, 100, 1e30, INFINITY};
  for (size_t i = 0; i < sizeof LOW / sizeof *LOW; i++)
    CHECK_THAT(exp_of(LOW[i]) >= 0 && exp_of(LOW[i]) < 2e-38, "exp(%g) is next to nothing", LOW[i]);
  for (size_t i = 0; i < sizeof HIGH / sizeof *HIGH; i++)
    CHECK_THAT(exp_of(HIGH[i]) > 1e38, "exp(%g) is large", HIGH[i]);
  /* Lanes do not touch each other. */
  hr_vec mixed = hr_splat(1);
  mixed[1] = (hr_real)NAN;
  mixed[2] = -1000;
  mixed = hr_vec_exp(mixed);
  CHECK_NEAR(mixed[0], exp(1), 1e-6);
  CHECK_NEAR(mixed[3], exp(1), 1e-6);
}

static void test_softmax(int32_t n) {
  if (n == 0) return;
  hr_real *x = new_normal(n, 4), *y = new_reals(n), *in_place = copy(x, n);
  double sum = 0, total = 0, most = -INFINITY;
  for (int32_t i = 0; i < n; i++) most = fmax(most, (double)x[i]);
  for (int32_t i = 0; i < n; i++) sum += exp((double)x[i] - most);
  CHECK_NEAR(hr_exp_shifted(y, x, (hr_real)most, n), sum, 1e-6 * sum);
  for (int32_t i = 0; i < n; i++) CHECK_NEAR(y[i], exp((double)x[i] - most), 3e-7);
  CHECK_NEAR(hr_softmax(y, x, n), most + log(sum), 2e-6 * (1 + fabs(most)));
  for (int32_t i = 0; i < n; i++) {
    CHECK_NEAR(y[i], exp((double)x[i] - most) / sum, 1e-6);
    total += (double)y[i];
  }
  CHECK_NEAR(total, 1, 1e-6);
  hr_softmax(in_place, in_place, n);
  CHECK(same_bits(in_place, y, n));
  /* Far from zero, where exp alone would overflow or vanish; a difference of such numbers keeps few digits. */
  for (double shift = -3e4; shift <= 3e4; shift += 6e4) {
    for (int32_t i = 0; i < n; i++) in_place[i] = x[i] + (hr_real)shift;
    hr_softmax(in_place, in_place, n);
    for (int32_t i = 0; i < n; i++) CHECK_NEAR(in_place[i], y[i], 0.005);
  }

  /* Of a multiple, and in place. */
  hr_real *half = copy(x, n);
  for (int32_t i = 0; i < n; i++) half[i] = x[i] / 2;
  hr_softmax_scaled(in_place, half, 2, n);
  for (int32_t i = 0; i < n; i++) CHECK_NEAR(in_place[i], y[i], 1e-6);
  hr_softmax_scaled(half, half, 2, n);
  CHECK(same_bits(half, in_place, n));
  free(half);

  /* ds = scale p (dp - p . dp) */
  hr_real *dp = new_normal(n, 1), *dx = copy(dp, n);
  hr_softmax_backward(dx, y, (hr_real)0.7, n);
  double inner = 0;
  for (int32_t i = 0; i < n; i++) inner += (double)y[i] * (double)dp[i];
  for (int32_t i = 0; i < n; i++) CHECK_NEAR(dx[i], 0.7 * (double)y[i] * ((double)dp[i] - inner), 1e-6);
  free(x);
  free(y);
  free(in_place);
  free(dp);
  free(dx);
}

static void test_normalize(int32_t n) {
  if (n == 0) return;
  hr_real *x = new_normal(n, 2), *weight = new_normal(n, 1), *bias = new_normal(n, 1), *y = new_reals(n);
  const hr_real mean = (hr_real)0.4, scale = (hr_real)1.3;
  hr_normalize(y, x, mean, scale, weight, bias, n);
  for (int32_t i = 0; i < n; i++) {
    const double xhat = ((double)x[i] - (double)mean) * (double)scale;
    CHECK_NEAR(y[i], xhat * (double)weight[i] + (double)bias[i], 1e-5);
  }

  hr_real *dy = new_normal(n, 1), *dx = new_reals(n), *dweight = new_normal(n, 1), *dbias = new_normal(n, 1);
  hr_real *dweight_before = copy(dweight, n), *dbias_before = copy(dbias, n), *in_place = copy(dy, n);
  hr_normalize_backward(dx, dweight, dbias, dy, x, mean, scale, weight, n);
  double mean_g = 0, mean_gx = 0;
  for (int32_t i = 0; i < n; i++) {
    const double g = (double)dy[i] * (double)weight[i];
    mean_g += g / n;
    mean_gx += g * ((double)x[i] - (double)mean) * (double)scale / n;
  }
  for (int32_t i = 0; i < n; i++) {
    const double xhat = ((double)x[i] - (double)mean) * (double)scale;
    const double g = (double)dy[i] * (double)weight[i];
    CHECK_NEAR(dx[i], (double)scale * (g - mean_g - xhat * mean_gx), 2e-5);
    CHECK_NEAR(dweight[i], (double)dweight_before[i] + (double)dy[i] * xhat, 1e-5);
    CHECK_NEAR(dbias[i], (double)dbias_before[i] + (double)dy[i], 1e-5);
  }
  hr_normalize_backward(in_place, dweight, dbias, in_place, x, mean, scale, weight, n);
  CHECK(same_bits(in_place, dx, n));
  free(x);
  free(weight);
  free(bias);
  free(y);
  free(dy);
  free(dx);
  free(dweight);
  free(dbias);
  free(dweight_before);
  free(dbias_before);
  free(in_place);
}

static void test_dropout(void) {
  enum { N = 60001 };
  static const double RATES[] = {0.05, 0.1, 0.5, 0.9};
  hr_real *x = new_reals(N), *again = new_reals(N), *other = new_reals(N);
  for (size_t r = 0; r < sizeof RATES / sizeof *RATES; r++) {
    const double rate = RATES[r], error = 5 * sqrt(rate * (1 - rate) / N);
    test_context("dropout %g", rate);
    hr_fill(x, 3, N);
    hr_dropout(x, N, 1234567890123u, 0, rate);
    double dropped = 0, pairs = 0;
    for (int32_t i = 0; i < N; i++) {
      dropped += x[i] == 0;
      pairs += i > 0 && x[i] == 0 && x[i - 1] == 0;
      if (x[i] != 0) CHECK_NEAR(x[i], 3 / (1 - rate), 1e-5 * 3 / (1 - rate));
    }
    CHECK_NEAR(dropped / N, rate, error);
    CHECK_NEAR(pairs / N, rate * rate, 5 * sqrt(rate * rate / N));

    /* The same key gives the same mask for other numbers: so it is with a gradient. */
    for (int32_t i = 0; i < N; i++) again[i] = (hr_real)(1 + i % 7);
    hr_dropout(again, N, 1234567890123u, 0, rate);
    bool same = true;
    for (int32_t i = 0; i < N; i++) same = same && (again[i] == 0) == (x[i] == 0);
    CHECK(same);

    /* The offset stands for what came before, so a part is the part of the whole. */
    hr_fill(again, 3, N);
    hr_dropout(again, 100, 1234567890123u, 0, rate);
    hr_dropout(again + 100, N - 100, 1234567890123u, 100, rate);
    CHECK(same_bits(again, x, N));

    /* Keys of neighbouring steps and layers, as the engine makes them, and offsets far apart give masks that have
     * nothing in common. */
    for (uint64_t use = 0; use < 64 + 4; use++) {
      const bool by_key = use < 64;
      const uint64_t key = hr_key(hr_key(42, use / 8), use % 8),
                     neighbour = hr_key(hr_key(42, use / 8), use % 8 + 1);
      hr_fill(x, 3, 6000);
      hr_fill(other, 3, 6000);
      hr_dropout(x, 6000, key, 0, rate);
      hr_dropout(other, 6000, by_key ? neighbour : key, by_key ? 0 : (uint32_t)N << (use - 64), rate);
      double both = 0;
      for (int32_t i = 0; i < 6000; i++) both += other[i] == 0 && x[i] == 0;
      CHECK_THAT(fabs(both / 6000 - rate * rate) <= 5 * sqrt(rate * rate * (1 - rate * rate) / 6000),
                 "use %d: dropped in both masks %g, by chance %g", (int)use, both / 6000, rate * rate);
    }
  }
  test_context("%s", "");
  hr_fill(x, 3, N);
  hr_dropout(x, N, 1, 0, 0);
  for (int32_t i = 0; i < N; i++) CHECK(x[i] == 3);
  /* The count wraps: the sanitizer would tell of an overflow. */
  hr_dropout(x, N, 1, UINT32_MAX - 5, 0.5);
  free(x);
  free(again);
  free(other);
}

/* Adam by the book, in double. */
static void adam_plainly(double *p, double *m, double *v, double grad, int step, const hr_adam *adam) {
  const double g = grad * adam->scale;
  *m = adam->beta1 * *m + (1 - adam->beta1) * g;
  *v = adam->beta2 * *v + (1 - adam->beta2) * g * g;
  const double m_hat = *m / (1 - pow(adam->beta1, step)), v_hat = *v / (1 - pow(adam->beta2, step));
  *p -= adam->rate * adam->decay * *p;
  *p -= adam->rate * m_hat / (sqrt(v_hat) + adam->epsilon);
}

static void test_adam(int32_t n) {
  static const double DECAYS[] = {0, 0.1}, SCALES[] = {1, 0.03}, EPSILONS[] = {1e-8, 1e-3};
  for (int variant = 0; variant < 8; variant++) {
    hr_adam adam = {.rate = 0.01,
                    .beta1 = variant == 5 ? 0 : 0.9,
                    .beta2 = 0.99,
                    .epsilon = EPSILONS[variant / 4],
                    .decay = DECAYS[variant % 2],
                    .scale = SCALES[variant / 2 % 2]};
    hr_real *p = new_normal(n, 1), *m = new_reals(n), *v = new_reals(n);
    double *state = calloc((size_t)n * 3 + 1, sizeof *state);
    hr_fill(m, 0, n);
    hr_fill(v, 0, n);
    for (int32_t i = 0; i < n; i++) state[3 * i] = (double)p[i];
    for (int step = 1; step <= 6; step++) {
      hr_real *grad = new_normal(n, 1);
      if (n > 2)
        grad[2] = 0; /* a parameter that no gradient ever reaches: nothing may be divided by nothing */
      adam.correction1 = 1 - pow(adam.beta1, step);
      adam.correction2 = 1 - pow(adam.beta2, step);
      hr_adam_update(p, m, v, grad, n, &adam);
      for (int32_t i = 0; i < n; i++)
        adam_plainly(&state[3 * i], &state[3 * i + 1], &state[3 * i + 2], (double)grad[i], step, &adam);
      free(grad);
    }
    for (int32_t i = 0; i < n; i++) {
      CHECK_NEAR(p[i], state[3 * i], 3e-6);
      CHECK_NEAR(m[i], state[3 * i + 1], 1e-6);
      CHECK_NEAR(v[i], state[3 * i + 2], 1e-6);
    }
    free(p);
    free(m);
    free(v);
    free(state);
  }
}

int main(void) {
  for (int i = 0; i < LENGTH_COUNT; i++) {
    test_context("length %d", LENGTHS[i]);
    random_seed((uint64_t)i);
    test_elementwise(LENGTHS[i]);
    test_reductions(LENGTHS[i]);
    test_rows(LENGTHS[i]);
    test_softmax(LENGTHS[i]);
    test_normalize(LENGTHS[i]);
    test_adam(LENGTHS[i]);
  }
  test_context("%s", "");
  test_exp();
  test_dropout();
  return test_report("vector");
}
