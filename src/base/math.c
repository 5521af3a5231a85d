#include "base/math.h"

static double two_to_the(int64_t n) {
  int64_t bits = (n + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return power;
}

/* exp(x) = 2^n exp(r), |r| <= ln 2 / 2, Taylor series for the rest. */
double hr_exp(double x) {
  static const double LN2_HIGH = 6.93147180369123816490e-01;
  static const double LN2_LOW = 1.90821492927058770002e-10;
  if (!(x >= -700)) return x != x ? x : 0;
  if (x > 700) x = 700;
  int64_t n = (int64_t)(x * 1.44269504088896338700 + (x < 0 ? -0.5 : 0.5));
  double r = (x - (double)n * LN2_HIGH) - (double)n * LN2_LOW;
  double sum = 1;
  for (int i = 13; i > 0; i--) sum = 1 + sum * r / i;
  return sum * two_to_the(n);
}

double hr_tanh(double x) {
  /* exp of a number that is not positive: it cannot overflow. */
  const double power = hr_exp(x < 0 ? 2 * x : -2 * x), size = (1 - power) / (1 + power);
  return x < 0 ? -size : size;
}

/* log(x) = n ln 2 + 2 artanh(s), s = (m-1)/(m+1), for x = m 2^n with m near 1. */
double hr_log(double x) {
  int64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int64_t n = ((bits >> 52) & 0x7ff) - 1023;
  bits = (bits & 0xfffffffffffff) | 0x3ff0000000000000;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.41421356237309504880) {
    m *= 0.5;
    n++;
  }
  double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
  for (int i = 23; i > 0; i -= 2) sum = sum * s2 + 1.0 / i;
  return (double)n * 0.69314718055994530942 + 2 * s * sum;
}

/* Sine (odd = 1) or cosine (odd = 0) of |r| <= pi/4 by their Taylor series. */
static double taylor(double r, int odd) {
  double r2 = r * r, sum = 1;
  for (int i = 9; i > 0; i--) sum = 1 - sum * r2 / ((2 * i + odd) * (2 * i + odd - 1));
  return odd ? r * sum : sum;
}

static double sine_from_quadrant(double x, int64_t shift) {
  static const double HALF_PI_HIGH = 1.57079632673412561417, HALF_PI_LOW = 6.07710050650619224932e-11;
  int64_t n = (int64_t)(x * 0.63661977236758134308 + (x < 0 ? -0.5 : 0.5));
  double r = (x - (double)n * HALF_PI_HIGH) - (double)n * HALF_PI_LOW;
  int64_t quadrant = (n + shift) & 3;
  double value = taylor(r, !(quadrant & 1));
  return quadrant & 2 ? -value : value;
}

double hr_sin(double x) {
  return sine_from_quadrant(x, 0);
}

double hr_cos(double x) {
  return sine_from_quadrant(x, 1);
}
