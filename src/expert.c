#include "expert.h"

#include "kernels/vector.h"

void hr_expert_hidden(const hr_expert *self, hr_real *h, const hr_real *x, int32_t n, int32_t first,
                      uint64_t key, const hr_pass *pass) {
  const int32_t d = self->d, f = self->f;
  hr_matmul(h, f, hr_rows(x, d), hr_columns(self->w1, d), n, f, d, HR_SET, pass->matmul_scratch);
  hr_add_bias_relu(h, self->c1, n, f);
  hr_dropout(h, n * f, key, (uint32_t)first * (uint32_t)f, pass->dropout);
}

void hr_expert_output(const hr_expert *self, hr_real *o, const hr_real *h, int32_t n, const hr_pass *pass) {
  const int32_t d = self->d, f = self->f;
  hr_matmul(o, d, hr_rows(h, f), hr_columns(self->w2, f), n, d, f, HR_SET, pass->matmul_scratch);
  hr_add_bias(o, self->c2, n, d);
}

void hr_expert_backward(const hr_expert *self, hr_real *dx, hr_real *dweights, const hr_expert *grad,
                        hr_real *dy, const hr_real *h, const hr_real *x, const hr_real *weights, hr_real *dh,
                        int32_t n, hr_store_mode mode, const hr_pass *pass) {
  const int32_t d = self->d, f = self->f;
  const hr_real kept = (hr_real)(1 / (1 - pass->dropout));
  hr_matmul(dh, f, hr_rows(dy, d), hr_rows(self->w2, f), n, f, d, HR_SET, pass->matmul_scratch);
  for (int32_t i = 0; i < n; i++) {
    hr_real *dh_i = dh + (ptrdiff_t)i * f, *dy_i = dy + (ptrdiff_t)i * d;
    const hr_real *h_i = h + (ptrdiff_t)i * f;
    hr_real weight = 1;
    if (weights) {
      weight = weights[i];
      dweights[i] = hr_dot(dh_i, h_i, f) + hr_dot(dy_i, self->c2, d);
      hr_scale(dy_i, weight, dy_i, d);
    }
    /* A hidden number is positive exactly where the rectifier and the dropout let it through. */
    hr_mask_scale(dh_i, weight * kept, h_i, f);
  }
  hr_matmul(grad->w2, f, hr_columns(dy, d), hr_rows(h, f), d, f, n, mode, pass->matmul_scratch);
  if (mode == HR_SET) hr_fill(grad->c2, 0, d);
  hr_add_rows(grad->c2, dy, n, d);
  hr_matmul(grad->w1, d, hr_columns(dh, f), hr_rows(x, d), f, d, n, mode, pass->matmul_scratch);
  if (mode == HR_SET) hr_fill(grad->c1, 0, f);
  hr_add_rows(grad->c1, dh, n, f);
  hr_matmul(dx, d, hr_rows(dh, f), hr_rows(self->w1, d), n, d, f, HR_SET, pass->matmul_scratch);
}
