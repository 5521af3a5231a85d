#include "gate.h"
#include "kernels/vector.h"

void hr_gate_topk_softmax(hr_assignments *assignments, const hr_real *logits, int32_t e) {
  const int32_t n = assignments->tokens, k = assignments->k;
  for (int32_t i = 0; i < n; i++) {
    const hr_real *logits_i = logits + (ptrdiff_t)i * e;
    int32_t *experts_i = assignments->experts + (ptrdiff_t)i * k;
    hr_real *weights_i = assignments->weights + (ptrdiff_t)i * k;
    /* Insertion into the k best so far. Ids come in ascending order and a later one must be larger to pass, so ties
     * go to the lower id. */
    for (int32_t id = 0, found = 0; id < e; id++) {
      hr_real logit = logits_i[id];
      int32_t at = found;
      while (at > 0 && logit > weights_i[at - 1]) at--;
      if (at == k) continue;
      if (found < k) found++;
      for (int32_t j = found - 1; j > at; j--) {
        weights_i[j] = weights_i[j - 1];
        experts_i[j] = experts_i[j - 1];
      }
      weights_i[at] = logit;
      experts_i[at] = id;
    }
    hr_softmax(weights_i, weights_i, k);
  }
}

void hr_gate_topk_softmax_backward(hr_real *dlogits, const hr_real *dweights,
                                   const hr_assignments *assignments, const hr_dispatch *dispatch,
                                   hr_real *scratch) {
  const int32_t n = assignments->tokens, k = assignments->k, e = dispatch->experts;
  memset(dlogits, 0, (size_t)n * (size_t)e * sizeof *dlogits);
  for (int32_t i = 0; i < n; i++) {
    const ptrdiff_t first = (ptrdiff_t)i * k;
    for (int32_t j = 0; j < k; j++) scratch[j] = dweights[dispatch->row[first + j]];
    hr_softmax_backward(scratch, assignments->weights + first, 1, k);
    for (int32_t j = 0; j < k; j++) dlogits[(ptrdiff_t)i * e + assignments->experts[first + j]] = scratch[j];
  }
}
