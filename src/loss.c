#include "loss.h"

#include "base/math.h"
#include "kernels/vector.h"

/* Rows whose gradient of the logits exists at a time: it is never needed as a whole. */
enum { BLOCK = 64 };

void hr_output_plan(hr_output *self, hr_arena *arena, int32_t n) {
  self->logits = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, self->classes);
  self->normalisers = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, 1);
  self->dlogits = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n < BLOCK ? n : BLOCK, self->classes);
}

void hr_output_forward(hr_output *self, const hr_real *x, int32_t n, const hr_pass *pass) {
  hr_matmul(self->logits, self->classes, hr_rows(x, self->d), hr_columns(self->weight->data, self->d), n,
            self->classes, self->d, HR_SET, pass->matmul_scratch);
  hr_add_bias(self->logits, self->bias->data, n, self->classes);
}

double hr_output_loss(hr_output *self, const int32_t *targets, int32_t n) {
  double loss = 0;
  for (int32_t i = 0; i < n; i++) {
    const hr_real *logits_i = self->logits + (ptrdiff_t)i * self->classes;
    hr_real top = hr_maximum(logits_i, self->classes);
    hr_real sum = hr_exp_shifted(self->dlogits, logits_i, top, self->classes);
    double normaliser = (double)top + hr_log((double)sum);
    /* hr_log knows only numbers: what is not one must not look like one. */
    if (!(sum - sum == 0)) normaliser = (double)(sum - sum);
    self->normalisers[i] = (hr_real)normaliser;
    loss += normaliser - (double)logits_i[targets[i]];
  }
  return loss / n;
}

/* dlogits = (softmax(logits) - onehot(target)) / n */
void hr_output_backward(hr_output *self, hr_real *dx, const hr_real *x, const int32_t *targets, int32_t n,
                        const hr_pass *pass) {
  const int32_t d = self->d, v = self->classes;
  const hr_real share = (hr_real)(1.0 / n);
  for (int32_t begin = 0; begin < n; begin += BLOCK) {
    const int32_t rows = n - begin < BLOCK ? n - begin : BLOCK;
    for (int32_t i = 0; i < rows; i++) {
      hr_real *dlogits_i = self->dlogits + (ptrdiff_t)i * v;
      hr_exp_shifted(dlogits_i, self->logits + (ptrdiff_t)(begin + i) * v, self->normalisers[begin + i], v);
      dlogits_i[targets[begin + i]] -= 1;
      hr_scale(dlogits_i, share, dlogits_i, v);
    }
    hr_matmul(dx + (ptrdiff_t)begin * d, d, hr_rows(self->dlogits, v), hr_rows(self->weight->data, d), rows,
              d, v, HR_SET, pass->matmul_scratch);
    hr_matmul(self->weight->grad, d, hr_columns(self->dlogits, v), hr_rows(x + (ptrdiff_t)begin * d, d), v, d,
              rows, HR_ACCUMULATE, pass->matmul_scratch);
    hr_add_rows(self->bias->grad, self->dlogits, rows, v);
  }
}
