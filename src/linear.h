/* A linear map y = W x + b of rows, with its backward pass: the three matrix products that training needs. */
#ifndef HR_LINEAR_H
#define HR_LINEAR_H

#include "parameters.h"
#include "pass.h"

/* Values and gradients of a map; made where it is used, since a model's tensors have no memory before it is planned. */
typedef struct hr_linear {
  int32_t inputs, outputs;
  int32_t stride;                   /* from one row of y (and dy) to the next */
  hr_real *weight, *bias;           /* W [outputs,inputs], b [outputs]; b may be NULL */
  hr_real *weight_grad, *bias_grad; /* the same shapes; NULL where frozen */
} hr_linear;

/* The map of two tensors, W [outputs,inputs] and b [outputs]; bias may be NULL. */
hr_linear hr_linear_of(const hr_parameter *weight, const hr_parameter *bias);

/* Outputs first .. first+count-1 alone, as a map with rows of their own. */
hr_linear hr_linear_part(const hr_linear *self, int32_t first, int32_t count);

/* y [n,outputs] = x [n,inputs] W^T + b, for maps whose rows of y lie side by side */
void hr_linear_forward(const hr_linear *self, hr_real *y, const hr_real *x, int32_t n, const hr_pass *pass);

/* y [n,outputs] = max(0, x W^T + b), likewise */
void hr_linear_relu(const hr_linear *self, hr_real *y, const hr_real *x, int32_t n, const hr_pass *pass);

/* dx [n,inputs] = (or +=) dy [n,outputs] W */
void hr_linear_backward_input(const hr_linear *self, hr_real *dx, const hr_real *dy, int32_t n,
                              hr_store_mode mode, const hr_pass *pass);

/* weight_grad = (or +=) dy^T x, bias_grad = (or +=) the sum of the rows of dy. n may be 0. */
void hr_linear_backward_weights(const hr_linear *self, const hr_real *dy, const hr_real *x, int32_t n,
                                hr_store_mode mode, const hr_pass *pass);

#endif
