/* The number type of the engine, and vectors of 16 bytes of it through the compiler's vector extensions, so that
 * one source serves SSE, NEON and WebAssembly. The gradient check compiles everything a second time in double. */
#ifndef HR_BASE_REAL_H
#define HR_BASE_REAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef HR_REAL_DOUBLE
typedef double hr_real;
typedef int64_t hr_bits;
#define HR_LANES 2
#else
typedef float hr_real;
typedef int32_t hr_bits;
#define HR_LANES 4
#endif

typedef hr_real hr_vec __attribute__((vector_size(16)));
typedef hr_bits hr_vec_bits __attribute__((vector_size(16)));

static inline hr_vec hr_load(const hr_real *p) {
  hr_vec v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline void hr_store(hr_real *p, hr_vec v) {
  memcpy(p, &v, sizeof v);
}

static inline hr_vec hr_splat(hr_real x) {
#ifdef HR_REAL_DOUBLE
  return (hr_vec){x, x};
#else
  return (hr_vec){x, x, x, x};
#endif
}

/* a*b + c. The relaxed module fuses it where the machine can; everywhere else it is rounded twice, so that all
 * machines agree. */
static inline hr_vec hr_madd(hr_vec a, hr_vec b, hr_vec c) {
#if defined(HR_RELAXED_SIMD) && !defined(HR_REAL_DOUBLE)
  return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#else
  return a * b + c;
#endif
}

/* Sum of the lanes, in one order everywhere. */
static inline hr_real hr_sum_lanes(hr_vec v) {
#ifdef HR_REAL_DOUBLE
  return v[0] + v[1];
#else
  return (v[0] + v[2]) + (v[1] + v[3]);
#endif
}

/* mask ? a : b, lane by lane; lanes of a mask are all ones or all zeros. */
static inline hr_vec hr_select(hr_vec_bits mask, hr_vec a, hr_vec b) {
  return (hr_vec)(((hr_vec_bits)a & mask) | ((hr_vec_bits)b & ~mask));
}

/* Lane by lane a < b ? b : a, and b < a ? b : a: a NaN in a stays. */
static inline hr_vec hr_max(hr_vec a, hr_vec b) {
#if defined(__wasm_simd128__) && !defined(HR_REAL_DOUBLE)
  return __builtin_wasm_pmax_f32x4(a, b);
#else
  return hr_select((hr_vec_bits)(a < b), b, a);
#endif
}

static inline hr_vec hr_min(hr_vec a, hr_vec b) {
#if defined(__wasm_simd128__) && !defined(HR_REAL_DOUBLE)
  return __builtin_wasm_pmin_f32x4(a, b);
#else
  return hr_select((hr_vec_bits)(b < a), b, a);
#endif
}

#endif
