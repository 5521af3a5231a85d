/* Elementary functions against libm, and whether the random numbers are random. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/math.h"
#include "base/random.h"
#include "testing.h"

static const double ULP = 0x1p-52;

static void note_worst(double *worst, double got, double expected) {
  const double error = fabs(got - expected) / fabs(expected) / ULP;
  if (!(error <= *worst)) *worst = error;
}

static void test_exp(void) {
  double worst = 0;
  for (double x = -700; x <= 700; x += 0.0173) note_worst(&worst, hr_exp(x), exp(x));
  for (double x = 1e-300; x < 700; x *= 3) {
    note_worst(&worst, hr_exp(x), exp(x));
    note_worst(&worst, hr_exp(-x), exp(-x));
  }
  printf("exp: off by %.2f units in the last place\n", worst);
  CHECK(worst < 4);
  CHECK(hr_exp(0) == 1);
  CHECK(hr_exp(-701) == 0);
  CHECK(hr_exp((double)-INFINITY) == 0);
  /* Past the end it stays finite, so that no infinity comes out of nowhere. */
  CHECK(hr_exp(1e9) >= hr_exp(700) && isfinite(hr_exp(1e9)));
  CHECK(hr_exp((double)INFINITY) >= hr_exp(700));
}

static void test_log(void) {
  double worst = 0, near_one = 0;
  for (double x = 1e-300; x < 1e300; x *= 1.0137) {
    if (fabs(log(x)) > 0.1) note_worst(&worst, hr_log(x), log(x));
  }
  for (double x = 0.8; x < 1.25; x += 0.00037) near_one = fmax(near_one, fabs(hr_log(x) - log(x)) / ULP);
  printf("log: off by %.2f units in the last place, near 1 by %.2f epsilon\n", worst, near_one);
  CHECK(worst < 4);
  CHECK(near_one < 2);
  CHECK(hr_log(1) == 0);
}

static void test_sine(void) {
  double worst = 0, small = 0;
  for (double x = -1e6; x < 1e6; x += 37.3719) {
    worst = fmax(worst, fabs(hr_sin(x) - sin(x)));
    worst = fmax(worst, fabs(hr_cos(x) - cos(x)));
  }
  for (double x = -20; x < 20; x += 0.00391) {
    worst = fmax(worst, fabs(hr_sin(x) - sin(x)));
    worst = fmax(worst, fabs(hr_cos(x) - cos(x)));
  }
  for (double x = 1e-12; x < 0.7; x *= 1.1) {
    note_worst(&small, hr_sin(x), sin(x));
    note_worst(&small, hr_sin(-x), sin(-x));
  }
  printf("sine and cosine: off by %.2f epsilon, the sine near 0 by %.2f units in the last place\n",
         worst / ULP, small);
  CHECK(worst < 4 * ULP);
  CHECK(small < 4);
  CHECK(hr_sin(0) == 0);
  CHECK(hr_cos(0) == 1);
}

enum { MANY = 200000 };

static void test_uniform(void) {
  enum { BINS = 64 };
  int32_t bins[BINS] = {0};
  double sum = 0, product = 0, previous = 0;
  for (int32_t i = 0; i < MANY; i++) {
    const double u = hr_uniform(77, (uint64_t)i);
    CHECK_THAT(u > 0 && u < 1, "uniform %d is %g, inside (0, 1)", i, u);
    bins[(int32_t)(u * BINS)]++;
    sum += u;
    product += (u - 0.5) * (previous - 0.5);
    previous = u;
  }
  double chi = 0;
  for (int32_t i = 0; i < BINS; i++) chi += pow(bins[i] - MANY / (double)BINS, 2) / (MANY / (double)BINS);
  /* Four to five standard deviations of what chance allows. */
  CHECK_NEAR(sum / MANY, 0.5, 5 * sqrt(1.0 / 12 / MANY));
  CHECK_NEAR(chi, BINS - 1, 5 * sqrt(2.0 * (BINS - 1)));
  CHECK_NEAR(product / MANY * 12, 0, 5 / sqrt((double)MANY));
}

/* Streams of neighbouring keys, of keys made from one another, and the same stream a step later have nothing to do
 * with each other. */
static void test_keys(void) {
  static const uint64_t KEYS[] = {0, 1, 2, 3, 1000, UINT64_MAX, 0x9e3779b97f4a7c15u};
  enum { COUNT = sizeof KEYS / sizeof *KEYS, LENGTH = 20000 };
  for (int a = 0; a < COUNT; a++) {
    for (int b = 0; b < COUNT; b++) {
      const uint64_t key_a = hr_key(KEYS[a], 1), key_b = hr_key(KEYS[b], 1), derived = hr_key(key_a, KEYS[b]);
      double shared = 0, along = 0;
      for (uint64_t i = 0; i < LENGTH; i++) {
        const double u = hr_uniform(key_a, i) - 0.5;
        shared += u * (hr_uniform(key_b, i + (a == b)) - 0.5);
        along += u * (hr_uniform(derived, i) - 0.5);
      }
      test_context("keys %llx and %llx", (unsigned long long)KEYS[a], (unsigned long long)KEYS[b]);
      CHECK_NEAR(shared / LENGTH * 12, 0, 5 / sqrt((double)LENGTH));
      CHECK_NEAR(along / LENGTH * 12, 0, 5 / sqrt((double)LENGTH));
    }
  }
  test_context("%s", "");
}

static void test_normal(void) {
  hr_real *x = new_reals(MANY);
  hr_fill_normal(x, MANY, 0, 1, 5);
  double moments[5] = {0}, neighbours = 0;
  int32_t outside = 0;
  for (int32_t i = 0; i < MANY; i++) {
    const double value = (double)x[i];
    for (int power = 1; power <= 4; power++) moments[power] += pow(value, power) / MANY;
    if (i % 2) neighbours += value * (double)x[i - 1];
    if (fabs(value) > 1.959964) outside++;
  }
  const double error = 5 / sqrt((double)MANY);
  CHECK_NEAR(moments[1], 0, error);
  CHECK_NEAR(moments[2], 1, error * sqrt(2.0));
  CHECK_NEAR(moments[3], 0, error * sqrt(15.0));
  CHECK_NEAR(moments[4], 3, error * sqrt(96.0));
  /* The two numbers of one pair come from the same radius and angle. */
  CHECK_NEAR(neighbours / (MANY / 2), 0, error * sqrt(2.0));
  CHECK_NEAR(outside / (double)MANY, 0.05, 5 * sqrt(0.05 * 0.95 / MANY));
  free(x);

  /* Mean and deviation, odd lengths, and that a shorter draw is the beginning of a longer one. */
  hr_real *longer = new_reals(1001);
  hr_fill_normal(longer, 1001, 3, 0.5, 9);
  for (int32_t n = 0; n <= 9; n++) {
    hr_real *shorter = new_reals(n);
    hr_fill_normal(shorter, n, 3, 0.5, 9);
    CHECK_THAT(same_bits(shorter, longer, n), "a draw of %d numbers is the beginning of a longer one", n);
    free(shorter);
  }
  double mean = 0, variance = 0;
  for (int32_t i = 0; i < 1001; i++) mean += (double)longer[i] / 1001;
  for (int32_t i = 0; i < 1001; i++) variance += pow((double)longer[i] - mean, 2) / 1001;
  CHECK_NEAR(mean, 3, 5 * 0.5 / sqrt(1001.0));
  CHECK_NEAR(sqrt(variance), 0.5, 5 * 0.5 / sqrt(2 * 1001.0));
  free(longer);
}

int main(void) {
  test_exp();
  test_log();
  test_sine();
  test_uniform();
  test_keys();
  test_normal();
  return test_report("math");
}
