/* Elementary functions without the host's libm, whose last bits differ from machine to machine. */
#ifndef HR_BASE_MATH_H
#define HR_BASE_MATH_H

#include "base/real.h"

/* Natural exponential, logarithm (x > 0), sine and cosine (|x| < 1e6): errors of a few units in the last place. */
double hr_exp(double x);
/* Hyperbolic tangent; the error is a few units in the last place of 1. */
double hr_tanh(double x);
double hr_log(double x);
double hr_sin(double x);
double hr_cos(double x);

static inline double hr_sqrt(double x) {
  return __builtin_sqrt(x);
}

#endif
