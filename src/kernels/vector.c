#include "kernels/vector.h"

#include "base/math.h"
#include "base/random.h"

#ifdef HR_REAL_DOUBLE

static inline const hr_real *exp_constants(void) {
  return NULL;
}

static inline hr_vec vec_exp(hr_vec x, const hr_real *unused) {
  (void)unused;
  return (hr_vec){hr_exp(x[0]), hr_exp(x[1])};
}

hr_vec hr_vec_exp(hr_vec x) {
  return vec_exp(x, exp_constants());
}

static hr_vec vec_sqrt(hr_vec x) {
  return (hr_vec){__builtin_sqrt(x[0]), __builtin_sqrt(x[1])};
}

#else

/* Constants of hr_vec_exp. Read from memory: V8 makes a vector constant anew at every use, by three instructions. */
static const float EXP_CONSTANTS[] = {-87.0f,
                                      88.0f,
                                      12582912.0f,
                                      1.44269504f,
                                      -0.693359375f,
                                      2.12194440e-4f,
                                      1.9875691500e-4f,
                                      1.3981999507e-3f,
                                      8.3334519073e-3f,
                                      4.1665795894e-2f,
                                      1.6666665459e-1f,
                                      5.0000001201e-1f,
                                      1.0f};

/* Where the constants are, hidden from the compiler, which would otherwise make constants of them again. */
static inline const float *exp_constants(void) {
  const float *at = EXP_CONSTANTS;
  __asm__("" : "+r"(at));
  return at;
}

/* exp(x) = 2^n exp(r), |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to the nearest whole n, which then stands in the
 * low bits; shifted into the exponent it is 2^n. The polynomial is Cephes' expf (relative error 8e-8), summed by pairs
 * (Estrin): in Horner's order each operation waits for the one before, and a processor holds too few vectors to fill
 * the time. */
static inline hr_vec vec_exp(hr_vec x, const float *c) {
  const hr_vec magic = hr_splat(c[2]);
  x = hr_min(hr_max(x, hr_splat(c[0])), hr_splat(c[1]));
  hr_vec shifted = hr_madd(x, hr_splat(c[3]), magic);
  hr_vec n = shifted - magic;
  hr_vec r = hr_madd(n, hr_splat(c[5]), hr_madd(n, hr_splat(c[4]), x));
  const hr_vec one = hr_splat(c[12]), r2 = r * r;
  hr_vec p = hr_madd(hr_splat(c[6]), r, hr_splat(c[7]));
  p = hr_madd(p, r2, hr_madd(hr_splat(c[8]), r, hr_splat(c[9])));
  p = hr_madd(p, r2, hr_madd(hr_splat(c[10]), r, hr_splat(c[11])));
  p = hr_madd(p, r2, r) + one;
  return p * (hr_vec)(((hr_vec_bits)shifted << 23) + (hr_vec_bits)one);
}

hr_vec hr_vec_exp(hr_vec x) {
  return vec_exp(x, exp_constants());
}

static hr_vec vec_sqrt(hr_vec x) {
#ifdef __wasm_simd128__
  return __builtin_wasm_sqrt_f32x4(x);
#else
  return (hr_vec){__builtin_sqrtf(x[0]), __builtin_sqrtf(x[1]), __builtin_sqrtf(x[2]), __builtin_sqrtf(x[3])};
#endif
}

#endif

/* The last, incomplete vector of a row: `fill` in the lanes past its end. Lane by lane: to copy a number of bytes that
 * is not constant, WebAssembly leaves its code. */
static inline hr_vec load_tail(const hr_real *x, int32_t n, hr_real fill) {
  hr_vec v = hr_splat(fill);
#pragma GCC unroll 4
  for (int lane = 0; lane < HR_LANES - 1; lane++) {
    if (lane < n) v[lane] = x[lane];
  }
  return v;
}

static inline void store_tail(hr_real *y, hr_vec v, int32_t n) {
#pragma GCC unroll 4
  for (int lane = 0; lane < HR_LANES - 1; lane++) {
    if (lane < n) y[lane] = v[lane];
  }
}

void hr_fill(hr_real *y, hr_real value, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = value;
}

void hr_prefetch(const hr_real *x, int32_t n) {
  /* Of 64 bytes, as in most processors. */
  const int32_t line = 64 / (int32_t)sizeof *x;
  for (int32_t i = 0; i < n; i += line) {
    hr_bits bits;
    memcpy(&bits, x + i, sizeof bits);
    /* Opaque, or nothing would be read. */
    __asm__ volatile("" : : "r"(bits));
  }
}

void hr_add(hr_real *restrict y, const hr_real *restrict x, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] += x[i];
}

void hr_add_scaled(hr_real *restrict y, hr_real a, const hr_real *restrict x, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] += a * x[i];
}

void hr_scale(hr_real *y, hr_real a, const hr_real *x, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = a * x[i];
}

void hr_sum(hr_real *z, const hr_real *x, const hr_real *y, int32_t n) {
  for (int32_t i = 0; i < n; i++) z[i] = x[i] + y[i];
}

hr_real hr_dot(const hr_real *x, const hr_real *y, int32_t n) {
  hr_vec sum = hr_splat(0);
  int32_t i = 0;
  for (; i + HR_LANES <= n; i += HR_LANES) sum = hr_load(x + i) * hr_load(y + i) + sum;
  if (i < n) sum += load_tail(x + i, n - i, 0) * load_tail(y + i, n - i, 0);
  return hr_sum_lanes(sum);
}

hr_real hr_total(const hr_real *x, int32_t n) {
  hr_vec sum = hr_splat(0);
  int32_t i = 0;
  for (; i + HR_LANES <= n; i += HR_LANES) sum += hr_load(x + i);
  if (i < n) sum += load_tail(x + i, n - i, 0);
  return hr_sum_lanes(sum);
}

hr_real hr_squared_deviations(const hr_real *x, hr_real mean, int32_t n) {
  hr_vec sum = hr_splat(0), by = hr_splat(mean);
  int32_t i = 0;
  for (; i + HR_LANES <= n; i += HR_LANES) {
    hr_vec off = hr_load(x + i) - by;
    sum += off * off;
  }
  if (i < n) {
    hr_vec off = load_tail(x + i, n - i, mean) - by;
    sum += off * off;
  }
  return hr_sum_lanes(sum);
}

hr_real hr_maximum(const hr_real *x, int32_t n) {
  hr_real best = x[0];
  int32_t i = 0;
  if (n >= HR_LANES) {
    hr_vec top = hr_load(x);
    for (i = HR_LANES; i + HR_LANES <= n; i += HR_LANES) top = hr_max(top, hr_load(x + i));
    for (int32_t lane = 0; lane < HR_LANES; lane++) {
      if (top[lane] > best) best = top[lane];
    }
  }
  for (; i < n; i++) {
    if (x[i] > best) best = x[i];
  }
  return best;
}

double hr_sum_of_squares(const hr_real *x, int32_t n) {
  /* Short runs in reals, their sums in double: as exact as needed, at the speed of reals. */
  enum { RUN = 64 * HR_LANES };
  double total = 0;
  for (int32_t start = 0; start < n; start += RUN) {
    int32_t length = n - start < RUN ? n - start : RUN;
    total += (double)hr_dot(x + start, x + start, length);
  }
  return total;
}

bool hr_all_finite(const hr_real *x, int32_t n) {
  for (int32_t i = 0; i < n; i++) {
    if (!(x[i] - x[i] == 0)) return false;
  }
  return true;
}

/* y [n] = exp(scale x - shift), returns their sum. */
static inline hr_real exp_scaled(hr_real *y, const hr_real *x, hr_real scale, hr_real shift, int32_t n) {
  const hr_real *constants = exp_constants();
  const hr_vec by = hr_splat(-shift), factor = hr_splat(scale);
  hr_vec sum = hr_splat(0);
  int32_t i = 0;
  /* Two at a time use a constant twice once it is loaded. */
  for (; i + 2 * HR_LANES <= n; i += 2 * HR_LANES) {
    hr_vec e0 = vec_exp(hr_madd(hr_load(x + i), factor, by), constants);
    hr_vec e1 = vec_exp(hr_madd(hr_load(x + i + HR_LANES), factor, by), constants);
    sum = sum + e0 + e1;
    hr_store(y + i, e0);
    hr_store(y + i + HR_LANES, e1);
  }
  for (; i + HR_LANES <= n; i += HR_LANES) {
    hr_vec e = vec_exp(hr_madd(hr_load(x + i), factor, by), constants);
    sum += e;
    hr_store(y + i, e);
  }
  hr_real total = hr_sum_lanes(sum);
  if (i < n) {
    hr_vec e = vec_exp(hr_madd(load_tail(x + i, n - i, shift), factor, by), constants);
    for (int32_t lane = 0; lane < n - i; lane++) total += e[lane];
    store_tail(y + i, e, n - i);
  }
  return total;
}

hr_real hr_exp_shifted(hr_real *y, const hr_real *x, hr_real shift, int32_t n) {
  return exp_scaled(y, x, 1, shift, n);
}

hr_real hr_softmax(hr_real *y, const hr_real *x, int32_t n) {
  hr_real top = hr_maximum(x, n);
  hr_real sum = hr_exp_shifted(y, x, top, n);
  hr_scale(y, 1 / sum, y, n);
  return top + (hr_real)hr_log((double)sum);
}

void hr_softmax_scaled(hr_real *y, const hr_real *x, hr_real scale, int32_t n) {
  const hr_real sum = exp_scaled(y, x, scale, scale * hr_maximum(x, n), n);
  hr_scale(y, 1 / sum, y, n);
}

void hr_softmax_backward(hr_real *restrict dp, const hr_real *restrict p, hr_real scale, int32_t n) {
  hr_real mean = hr_dot(p, dp, n);
  for (int32_t i = 0; i < n; i++) dp[i] = scale * p[i] * (dp[i] - mean);
}

void hr_add_bias(hr_real *restrict y, const hr_real *restrict bias, int32_t m, int32_t n) {
  for (int32_t i = 0; i < m; i++) hr_add(y + (ptrdiff_t)i * n, bias, n);
}

void hr_add_bias_relu(hr_real *restrict y, const hr_real *restrict bias, int32_t m, int32_t n) {
  const hr_vec zero = hr_splat(0);
  for (int32_t i = 0; i < m; i++) {
    hr_real *row = y + (ptrdiff_t)i * n;
    int32_t j = 0;
    /* NaN must go through, or a diverged model would look healthy. */
    for (; j + HR_LANES <= n; j += HR_LANES) {
      const hr_vec sum = hr_load(row + j) + hr_load(bias + j);
      hr_store(row + j, (hr_vec)((hr_vec_bits)sum & ~(hr_vec_bits)(sum <= zero)));
    }
    for (; j < n; j++) {
      const hr_real sum = row[j] + bias[j];
      row[j] = sum <= 0 ? 0 : sum;
    }
  }
}

hr_real hr_relu_backward(hr_real *restrict y, hr_real a, const hr_real *restrict gate, int32_t n) {
  const hr_vec zero = hr_splat(0), factor = hr_splat(a);
  hr_vec sum = zero;
  int32_t i = 0;
  for (; i + HR_LANES <= n; i += HR_LANES) {
    const hr_vec v = hr_load(y + i), g = hr_load(gate + i);
    sum = v * g + sum;
    hr_store(y + i, (hr_vec)((hr_vec_bits)(v * factor) & (hr_vec_bits)(g > zero)));
  }
  hr_real dot = hr_sum_lanes(sum);
  for (; i < n; i++) {
    dot += y[i] * gate[i];
    y[i] = gate[i] > 0 ? a * y[i] : 0;
  }
  return dot;
}

void hr_add_rows(hr_real *restrict sums, const hr_real *restrict x, int32_t m, int32_t n) {
  for (int32_t i = 0; i < m; i++) hr_add(sums, x + (ptrdiff_t)i * n, n);
}

void hr_dropout(hr_real *y, int32_t n, uint64_t key, uint32_t first, double rate) {
  if (rate <= 0) return;
  const uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32);
  const uint32_t threshold = (uint32_t)(rate * 16777216.0);
  const hr_real keep = (hr_real)(1 / (1 - rate));
  for (int32_t i = 0; i < n; i++) {
    /* 32-bit mixer with low bias (Chris Wellons, "Prospecting for hash functions", 2018), keyed twice. */
    uint32_t h = ((first + (uint32_t)i) * 0x9e3779b1u) ^ low;
    h = (h ^ (h >> 16)) * 0x7feb352du;
    h = (h ^ (h >> 15) ^ high) * 0x846ca68bu;
    h ^= h >> 16;
    y[i] = (h >> 8) < threshold ? 0 : y[i] * keep;
  }
}

void hr_normalize(hr_real *y, const hr_real *x, hr_real mean, hr_real scale, const hr_real *weight,
                  const hr_real *bias, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

void hr_normalize_backward(hr_real *dx, hr_real *restrict dweight, hr_real *restrict dbias, const hr_real *dy,
                           const hr_real *x, hr_real mean, hr_real scale, const hr_real *weight, int32_t n) {
  hr_vec sum_g = hr_splat(0), sum_gx = hr_splat(0);
  int32_t i = 0;
  for (; i + HR_LANES <= n; i += HR_LANES) {
    hr_vec xhat = (hr_load(x + i) - hr_splat(mean)) * hr_splat(scale), d = hr_load(dy + i);
    hr_store(dweight + i, hr_load(dweight + i) + d * xhat);
    hr_store(dbias + i, hr_load(dbias + i) + d);
    hr_vec g = d * hr_load(weight + i);
    sum_g += g;
    sum_gx += g * xhat;
  }
  hr_real mean_g = hr_sum_lanes(sum_g), mean_gx = hr_sum_lanes(sum_gx);
  for (; i < n; i++) {
    hr_real xhat = (x[i] - mean) * scale, g = dy[i] * weight[i];
    dweight[i] += dy[i] * xhat;
    dbias[i] += dy[i];
    mean_g += g;
    mean_gx += g * xhat;
  }
  mean_g /= (hr_real)n;
  mean_gx /= (hr_real)n;
  for (int32_t j = 0; j < n; j++) {
    dx[j] = scale * (dy[j] * weight[j] - mean_g - (x[j] - mean) * scale * mean_gx);
  }
}

typedef struct adam_constants {
  hr_vec beta1, rest1, beta2, rest2, scale, epsilon, shrink, rate, correction;
} adam_constants;

static inline void adam_vector(hr_vec *p, hr_vec *m, hr_vec *v, hr_vec grad, const adam_constants *c) {
  const hr_vec g = grad * c->scale;
  *m = *m * c->beta1 + g * c->rest1;
  *v = *v * c->beta2 + g * g * c->rest2;
  *p = *p * c->shrink - c->rate * *m / (vec_sqrt(*v) * c->correction + c->epsilon);
}

void hr_adam_update(hr_real *restrict p, hr_real *restrict m, hr_real *restrict v,
                    const hr_real *restrict grad, int32_t n, const hr_adam *adam) {
  const adam_constants constants = {.beta1 = hr_splat((hr_real)adam->beta1),
                                    .rest1 = hr_splat((hr_real)(1 - adam->beta1)),
                                    .beta2 = hr_splat((hr_real)adam->beta2),
                                    .rest2 = hr_splat((hr_real)(1 - adam->beta2)),
                                    .scale = hr_splat((hr_real)adam->scale),
                                    .epsilon = hr_splat((hr_real)adam->epsilon),
                                    .shrink = hr_splat((hr_real)(1 - adam->rate * adam->decay)),
                                    .rate = hr_splat((hr_real)(adam->rate / adam->correction1)),
                                    .correction = hr_splat((hr_real)(1 / hr_sqrt(adam->correction2)))};
  int32_t i = 0;
  for (; i + HR_LANES <= n; i += HR_LANES) {
    hr_vec value = hr_load(p + i), first = hr_load(m + i), second = hr_load(v + i);
    adam_vector(&value, &first, &second, hr_load(grad + i), &constants);
    hr_store(p + i, value);
    hr_store(m + i, first);
    hr_store(v + i, second);
  }
  if (i == n) return;
  const int32_t rest = n - i;
  hr_vec value = load_tail(p + i, rest, 0), first = load_tail(m + i, rest, 0),
         second = load_tail(v + i, rest, 0);
  adam_vector(&value, &first, &second, load_tail(grad + i, rest, 0), &constants);
  store_tail(p + i, value, rest);
  store_tail(m + i, first, rest);
  store_tail(v + i, second, rest);
}
