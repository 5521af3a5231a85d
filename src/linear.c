#include "linear.h"

#include "kernels/vector.h"

hr_linear hr_linear_of(const hr_parameter *weight, const hr_parameter *bias) {
  return (hr_linear){.inputs = weight->shape[1],
                     .outputs = weight->shape[0],
                     .stride = weight->shape[0],
                     .weight = weight->data,
                     .bias = bias ? bias->data : NULL,
                     .weight_grad = weight->grad,
                     .bias_grad = bias ? bias->grad : NULL};
}

hr_linear hr_linear_part(const hr_linear *self, int32_t first, int32_t count) {
  const ptrdiff_t skipped = (ptrdiff_t)first * self->inputs;
  return (hr_linear){.inputs = self->inputs,
                     .outputs = count,
                     .stride = count,
                     .weight = self->weight + skipped,
                     .bias = self->bias ? self->bias + first : NULL,
                     .weight_grad = self->weight_grad ? self->weight_grad + skipped : NULL,
                     .bias_grad = self->bias_grad ? self->bias_grad + first : NULL};
}

static void product(const hr_linear *self, hr_real *y, const hr_real *x, int32_t n, const hr_pass *pass) {
  hr_multiply(pass, y, self->stride, hr_rows(x, self->inputs), hr_transposed(self->weight, self->inputs), n,
              self->outputs, self->inputs, HR_OVERWRITE);
}

void hr_linear_forward(const hr_linear *self, hr_real *y, const hr_real *x, int32_t n, const hr_pass *pass) {
  product(self, y, x, n, pass);
  if (self->bias) hr_add_bias(y, self->bias, n, self->outputs);
}

void hr_linear_relu(const hr_linear *self, hr_real *y, const hr_real *x, int32_t n, const hr_pass *pass) {
  product(self, y, x, n, pass);
  hr_add_bias_relu(y, self->bias, n, self->outputs);
}

void hr_linear_backward_input(const hr_linear *self, hr_real *dx, const hr_real *dy, int32_t n,
                              hr_store_mode mode, const hr_pass *pass) {
  hr_multiply(pass, dx, self->inputs, hr_rows(dy, self->stride), hr_rows(self->weight, self->inputs), n,
              self->inputs, self->outputs, mode);
}

void hr_linear_backward_weights(const hr_linear *self, const hr_real *dy, const hr_real *x, int32_t n,
                                hr_store_mode mode, const hr_pass *pass) {
  hr_multiply(pass, self->weight_grad, self->inputs, hr_transposed(dy, self->stride),
              hr_rows(x, self->inputs), self->outputs, self->inputs, n, mode);
  if (!self->bias_grad) return;
  if (mode == HR_OVERWRITE) hr_fill(self->bias_grad, 0, self->outputs);
  if (self->stride == self->outputs) {
    hr_add_rows(self->bias_grad, dy, n, self->outputs);
    return;
  }
  for (int32_t i = 0; i < n; i++) hr_add(self->bias_grad, dy + (ptrdiff_t)i * self->stride, self->outputs);
}
