#include "expert.h"

#include "kernels/vector.h"

void hr_expert_hidden(const hr_expert *self, hr_real *h, const hr_real *x, int32_t n, int32_t first,
                      uint64_t key, const hr_pass *pass) {
  const int32_t d = self->d, f = self->f;
  hr_multiply(pass, h, f, hr_rows(x, d), hr_columns(self->w1, d), n, f, d, HR_SET);
  hr_add_bias_relu(h, self->c1, n, f);
  hr_dropout(h, n * f, key, (uint32_t)first * (uint32_t)f, pass->dropout);
}

void hr_expert_output(const hr_expert *self, hr_real *o, const hr_real *h, int32_t n, const hr_pass *pass) {
  const int32_t d = self->d, f = self->f;
  hr_multiply(pass, o, d, hr_rows(h, f), hr_columns(self->w2, f), n, d, f, HR_SET);
  hr_add_bias(o, self->c2, n, d);
}

void hr_expert_backward_rows(const hr_expert *self, hr_real *dx, hr_real *dh, hr_real *dweights, hr_real *dy,
                             const hr_real *h, const hr_real *weights, int32_t n, const hr_pass *pass) {
  const int32_t d = self->d, f = self->f;
  const hr_real kept = (hr_real)(1 / (1 - pass->dropout));
  hr_multiply(pass, dh, f, hr_rows(dy, d), hr_rows(self->w2, f), n, f, d, HR_SET);
  for (int32_t i = 0; i < n; i++) {
    hr_real *dh_i = dh + (ptrdiff_t)i * f, *dy_i = dy + (ptrdiff_t)i * d;
    const hr_real *h_i = h + (ptrdiff_t)i * f;
    const hr_real weight = weights ? weights[i] : 1;
    /* A hidden number is positive exactly where the rectifier and the dropout let it through. */
    const hr_real dot = hr_mask_scale(dh_i, weight * kept, h_i, f);
    if (weights) {
      dweights[i] = dot + hr_dot(dy_i, self->c2, d);
      hr_scale(dy_i, weight, dy_i, d);
    }
  }
  hr_multiply(pass, dx, d, hr_rows(dh, f), hr_rows(self->w1, d), n, d, f, HR_SET);
}

/* Outputs begin .. end-1 of dW [outputs,inputs] = (or +=) dy^T x, and of dc [outputs]. */
static void linear_backward(hr_real *dw, hr_real *dc, const hr_real *dy, const hr_real *x, int32_t outputs,
                            int32_t inputs, int32_t begin, int32_t end, int32_t n, hr_store_mode mode,
                            const hr_pass *pass) {
  hr_multiply(pass, dw + (ptrdiff_t)begin * inputs, inputs, hr_columns(dy + begin, outputs),
              hr_rows(x, inputs), end - begin, inputs, n, mode);
  if (mode == HR_SET) hr_fill(dc + begin, 0, end - begin);
  for (int32_t i = 0; i < n; i++) hr_add(dc + begin, dy + (ptrdiff_t)i * outputs + begin, end - begin);
}

void hr_expert_backward_part(const hr_expert *grad, int32_t part, int32_t shares, const hr_real *dy,
                             const hr_real *dh, const hr_real *h, const hr_real *x, int32_t n,
                             hr_store_mode mode, const hr_pass *pass) {
  const int32_t d = grad->d, f = grad->f, share = part % shares;
  if (part < shares) {
    linear_backward(grad->w1, grad->c1, dh, x, f, d, f * share / shares, f * (share + 1) / shares, n, mode,
                    pass);
  } else {
    linear_backward(grad->w2, grad->c2, dy, h, d, f, d * share / shares, d * (share + 1) / shares, n, mode,
                    pass);
  }
}
