#include "expert.h"

#include "kernels/vector.h"

void hr_expert_hidden(const hr_expert *self, hr_real *h, const hr_real *x, int32_t n, int32_t first,
                      uint64_t key, const hr_pass *pass) {
  const int32_t f = self->in.outputs;
  hr_linear_relu(&self->in, h, x, n, pass);
  hr_dropout(h, n * f, key, (uint32_t)first * (uint32_t)f, pass->dropout);
}

void hr_expert_output(const hr_expert *self, hr_real *o, const hr_real *h, int32_t n, const hr_pass *pass) {
  hr_linear_forward(&self->out, o, h, n, pass);
}

void hr_expert_backward_rows(const hr_expert *self, hr_real *dx, hr_real *dh, hr_real *dweights, hr_real *dy,
                             const hr_real *h, const hr_real *weights, int32_t n, const hr_pass *pass) {
  const int32_t d = self->in.inputs, f = self->in.outputs;
  const hr_real kept = (hr_real)(1 / (1 - pass->dropout));
  hr_linear_backward_input(&self->out, dh, dy, n, HR_OVERWRITE, pass);
  for (int32_t i = 0; i < n; i++) {
    hr_real *dh_i = dh + (ptrdiff_t)i * f, *dy_i = dy + (ptrdiff_t)i * d;
    const hr_real weight = weights ? weights[i] : 1;
    /* A hidden number is positive exactly where the rectifier and the dropout let it through. */
    const hr_real dot = hr_relu_backward(dh_i, weight * kept, h + (ptrdiff_t)i * f, f);
    if (weights) {
      dweights[i] = dot + hr_dot(dy_i, self->out.bias, d);
      hr_scale(dy_i, weight, dy_i, d);
    }
  }
  hr_linear_backward_input(&self->in, dx, dh, n, HR_OVERWRITE, pass);
}

/* Share `share` of `shares` of a map's tensors. */
static void backward_share(const hr_linear *map, int32_t share, int32_t shares, const hr_real *dy,
                           const hr_real *x, int32_t n, hr_store_mode mode, const hr_pass *pass) {
  const int32_t first = map->outputs * share / shares, end = map->outputs * (share + 1) / shares;
  hr_linear part = hr_linear_part(map, first, end - first);
  part.stride = map->stride;
  hr_linear_backward_weights(&part, dy + first, x, n, mode, pass);
}

void hr_expert_backward_part(const hr_expert *self, int32_t part, int32_t shares, const hr_real *dy,
                             const hr_real *dh, const hr_real *h, const hr_real *x, int32_t n,
                             hr_store_mode mode, const hr_pass *pass) {
  if (part < shares) {
    backward_share(&self->in, part, shares, dh, x, n, mode, pass);
  } else {
    backward_share(&self->out, part - shares, shares, dy, h, n, mode, pass);
  }
}
