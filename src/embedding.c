#include "embedding.h"

#include "base/math.h"
#include "kernels/vector.h"

void hr_embedding_forward(hr_real *x, const hr_parameter *weight, const int32_t *tokens, int32_t d,
                          const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass);
  const hr_real scale = (hr_real)hr_sqrt(d);
  for (int32_t i = 0; i < n; i++) {
    hr_scale(x + (ptrdiff_t)i * d, scale, weight->data + (ptrdiff_t)tokens[i] * d, d);
  }
  hr_dropout(x, n * d, hr_dropout_key(pass, 0, HR_DROP_EMBEDDING), 0, pass->dropout);
}

void hr_embedding_backward(hr_parameter *weight, hr_real *dx, const int32_t *tokens, int32_t d,
                           const hr_pass *pass) {
  const int32_t n = hr_pass_tokens(pass);
  const hr_real scale = (hr_real)hr_sqrt(d);
  hr_dropout(dx, n * d, hr_dropout_key(pass, 0, HR_DROP_EMBEDDING), 0, pass->dropout);
  for (int32_t i = 0; i < n; i++) {
    hr_add_scaled(weight->grad + (ptrdiff_t)tokens[i] * d, scale, dx + (ptrdiff_t)i * d, d);
  }
}
