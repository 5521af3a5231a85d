#include "routing.h"

#include "kernels/vector.h"

void hr_route(int32_t *experts, hr_real *weights, const hr_real *logits, int32_t n, int32_t e, int32_t k) {
  for (int32_t i = 0; i < n; i++) {
    const hr_real *logits_i = logits + (ptrdiff_t)i * e;
    int32_t *experts_i = experts + (ptrdiff_t)i * k;
    hr_real *weights_i = weights + (ptrdiff_t)i * k;
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

void hr_route_backward(hr_real *dlogits, const hr_real *dweights, const int32_t *experts,
                       const hr_real *weights, int32_t n, int32_t e, int32_t k) {
  memset(dlogits, 0, (size_t)n * (size_t)e * sizeof *dlogits);
  for (int32_t i = 0; i < n; i++) {
    const hr_real *weights_i = weights + (ptrdiff_t)i * k, *dweights_i = dweights + (ptrdiff_t)i * k;
    const int32_t *experts_i = experts + (ptrdiff_t)i * k;
    hr_real mean = hr_dot(weights_i, dweights_i, k);
    for (int32_t j = 0; j < k; j++) {
      dlogits[(ptrdiff_t)i * e + experts_i[j]] = weights_i[j] * (dweights_i[j] - mean);
    }
  }
}

void hr_sort_by_expert(int32_t *rows, int32_t *offsets, int32_t *counts, const int32_t *experts,
                       int32_t assignments, int32_t e) {
  memset(counts, 0, (size_t)e * sizeof *counts);
  for (int32_t a = 0; a < assignments; a++) counts[experts[a]]++;
  offsets[0] = 0;
  for (int32_t id = 0; id < e; id++) offsets[id + 1] = offsets[id] + counts[id];
  /* offsets[id] walks through the rows of expert id to where those of the next begin, and is then set back. */
  for (int32_t a = 0; a < assignments; a++) rows[offsets[experts[a]]++] = a;
  for (int32_t id = e; id > 0; id--) offsets[id] = offsets[id - 1];
  offsets[0] = 0;
}
