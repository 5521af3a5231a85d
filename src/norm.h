/* Layer normalisation (Ba, Kiros, Hinton 2016), epsilon 1e-5. */
#ifndef HR_NORM_H
#define HR_NORM_H

#include "parameters.h"

typedef struct hr_norm {
  hr_parameter *weight; /* [D] */
  hr_parameter *bias;   /* [D] */
} hr_norm;

/* Declares weight and bias [D] by these names. */
void hr_norm_declare(hr_norm *self, hr_parameters *parameters, int32_t layer, const char *weight_name,
                     const char *bias_name, int32_t d);

/* y = (x - mean) / sqrt(variance + epsilon) * weight + bias, row by row.
 *   y      [n,D] out, may be x only if x is not needed for the backward pass
 *   stats  [n,2] out  mean and 1 / sqrt(variance + epsilon)
 *   x      [n,D] in */
void hr_norm_forward(const hr_norm *self, hr_real *y, hr_real *stats, const hr_real *x, int32_t n, int32_t d);

/* dx [n,D] out (may be dy); weight and bias gradients are added to. */
void hr_norm_backward(const hr_norm *self, hr_real *dx, const hr_real *dy, const hr_real *x,
                      const hr_real *stats, int32_t n, int32_t d);

#endif
