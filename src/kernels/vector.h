/* Functions of rows of numbers. Sums are taken lane by lane and then over the lanes, in one order everywhere. */
#ifndef HR_KERNELS_VECTOR_H
#define HR_KERNELS_VECTOR_H

#include <stdbool.h>

#include "base/real.h"

/* exp of each lane; below -87 it is 1.6e-38 rather than 0 (in float). NaN stays NaN. */
hr_vec hr_vec_exp(hr_vec x);

void hr_fill(hr_real *y, hr_real value, int32_t n);
/* Reads x [n] once from front to back, so that it is in the cache: memory is fast in this order, and slow in the one in
 * which products read a matrix. */
void hr_prefetch(const hr_real *x, int32_t n);
/* y += x */
void hr_add(hr_real *restrict y, const hr_real *restrict x, int32_t n);
/* y += a x */
void hr_add_scaled(hr_real *restrict y, hr_real a, const hr_real *restrict x, int32_t n);
/* y = a x; y may be x */
void hr_scale(hr_real *y, hr_real a, const hr_real *x, int32_t n);
/* z = x + y; z may be either */
void hr_sum(hr_real *z, const hr_real *x, const hr_real *y, int32_t n);
hr_real hr_dot(const hr_real *x, const hr_real *y, int32_t n);
hr_real hr_total(const hr_real *x, int32_t n);
/* Sum of (x - mean)^2 */
hr_real hr_squared_deviations(const hr_real *x, hr_real mean, int32_t n);
hr_real hr_maximum(const hr_real *x, int32_t n);
/* Sum of squares: runs of 64 vectors in reals, their sums in double. */
double hr_sum_of_squares(const hr_real *x, int32_t n);
bool hr_all_finite(const hr_real *x, int32_t n);

/* y [n] = exp(x - shift), returns their sum; y may be x. */
hr_real hr_exp_shifted(hr_real *y, const hr_real *x, hr_real shift, int32_t n);
/* y [n] = softmax of x; returns log sum exp x; y may be x. */
hr_real hr_softmax(hr_real *y, const hr_real *x, int32_t n);

/* y [n] = softmax of scale x, with scale > 0; y may be x. */
void hr_softmax_scaled(hr_real *y, const hr_real *x, hr_real scale, int32_t n);
/* Backward pass of p = softmax(scale x): dp becomes dx = scale p (dp - p . dp). */
void hr_softmax_backward(hr_real *restrict dp, const hr_real *restrict p, hr_real scale, int32_t n);

/* Each of the rows of y [m,n] += bias [n]. */
void hr_add_bias(hr_real *restrict y, const hr_real *restrict bias, int32_t m, int32_t n);
/* Each of the rows of y [m,n] = max(0, y + bias [n]). */
void hr_add_bias_relu(hr_real *restrict y, const hr_real *restrict bias, int32_t m, int32_t n);
/* y = a y where gate > 0, else 0: the backward pass of a rectifier whose output is gate. Returns gate . y of before. */
hr_real hr_relu_backward(hr_real *restrict y, hr_real a, const hr_real *restrict gate, int32_t n);
/* sums [n] += the rows of x [m,n]. */
void hr_add_rows(hr_real *restrict sums, const hr_real *restrict x, int32_t m, int32_t n);

/* y [n]: each number is dropped with probability rate, else divided by 1 - rate. Whether number i is dropped
 * depends on (key, first + i) alone (keys made by hr_key, whose bits
 * are all mixed), so that the same call with a gradient is the backward pass. */
void hr_dropout(hr_real *y, int32_t n, uint64_t key, uint32_t first, double rate);

/* y = (x - mean) scale weight + bias, all [n] */
void hr_normalize(hr_real *y, const hr_real *x, hr_real mean, hr_real scale, const hr_real *weight,
                  const hr_real *bias, int32_t n);
/* Backward pass of hr_normalize, mean and scale being those of x: with xhat = (x - mean) scale and g = dy weight,
 * dx = scale (g - mean(g) - xhat mean(g xhat)); dweight += dy xhat; dbias += dy. dx may be dy. */
void hr_normalize_backward(hr_real *dx, hr_real *restrict dweight, hr_real *restrict dbias, const hr_real *dy,
                           const hr_real *x, hr_real mean, hr_real scale, const hr_real *weight, int32_t n);

/* Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019), as torch.optim.AdamW:
 *   m = beta1 m + (1-beta1) g,  v = beta2 v + (1-beta2) g^2,
 *   p = p (1 - rate decay) - rate / (1-beta1^t) m / (sqrt(v) / sqrt(1-beta2^t) + epsilon)
 * with g = scale * grad. */
typedef struct hr_adam {
  double rate, beta1, beta2, epsilon, decay;
  double correction1, correction2; /* 1 - beta1^t, 1 - beta2^t */
  double scale;                    /* of the gradient: clipping */
} hr_adam;

void hr_adam_update(hr_real *restrict p, hr_real *restrict m, hr_real *restrict v,
                    const hr_real *restrict grad, int32_t n, const hr_adam *adam);

#endif
