/* Random numbers that are functions of (key, index): they need no state, no order and no host. */
#ifndef HR_BASE_RANDOM_H
#define HR_BASE_RANDOM_H

#include "base/real.h"

/* Mixes 64 bits (finaliser of splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
 * OOPSLA 2014). */
static inline uint64_t hr_mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/* A key for a use of random numbers, from a key and what distinguishes the use. */
static inline uint64_t hr_key(uint64_t key, uint64_t use) {
  return hr_mix(key + 0x9e3779b97f4a7c15 * (use + 1));
}

/* Uniform in (0, 1). */
double hr_uniform(uint64_t key, uint64_t index);

/* x [n] drawn from N(mean, deviation^2) (Box and Muller 1958). */
void hr_fill_normal(hr_real *x, int32_t n, double mean, double deviation, uint64_t key);

#endif
