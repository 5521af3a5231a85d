#include "gate.h"

#include "kernels/vector.h"

static const hr_gate_type *const GATES[] = {
    &hr_gate_topk_softmax, &hr_gate_softmax_topk, &hr_gate_sigmoid, &hr_gate_expert_choice, &hr_gate_relu,
};

enum { GATE_COUNT = sizeof GATES / sizeof *GATES };

const hr_gate_type *hr_gate_at(int32_t index) {
  return index >= 0 && index < GATE_COUNT ? GATES[index] : NULL;
}

void hr_gate_largest(int32_t *ids, hr_real *best, const hr_real *values, int32_t e, int32_t k) {
  /* Insertion into the k best so far. Ids come in ascending order and a later one must be larger to pass, so ties go to
   * the lower id. */
  for (int32_t id = 0, found = 0; id < e; id++) {
    const hr_real value = values[id];
    int32_t at = found;
    /* NaN comes first: it must go through, or a diverged model would look healthy. */
    while (at > 0 && (value > best[at - 1] || value != value)) at--;
    if (at == k) continue;
    if (found < k) found++;
    for (int32_t j = found - 1; j > at; j--) {
      best[j] = best[j - 1];
      ids[j] = ids[j - 1];
    }
    best[at] = value;
    ids[at] = id;
  }
}

void hr_gate_sort(int32_t *ids, int32_t count, const hr_real *logits) {
  for (int32_t i = 1; i < count; i++) {
    const int32_t id = ids[i];
    int32_t at = i;
    for (; at > 0; at--) {
      const int32_t before = ids[at - 1];
      if (logits[before] > logits[id] || (!(logits[before] < logits[id]) && before < id)) break;
      ids[at] = before;
    }
    ids[at] = id;
  }
}

void hr_gate_finish(hr_assignments *assignments, const hr_real *values, const hr_real *logits, int32_t e) {
  hr_assignments_pack(assignments, e);
  const int32_t k = assignments->k;
  for (int32_t i = 0; i < assignments->tokens; i++) {
    int32_t *ids = assignments->experts + (ptrdiff_t)i * k;
    hr_real *weights = assignments->weights + (ptrdiff_t)i * k;
    hr_gate_sort(ids, assignments->counts[i], logits + (ptrdiff_t)i * e);
    for (int32_t j = 0; j < assignments->counts[i]; j++) weights[j] = values[(ptrdiff_t)i * e + ids[j]];
  }
}

void hr_gate_choose_k(const hr_gate_type *self, hr_assignments *assignments, const hr_real *logits, int32_t e,
                      const hr_gating *gating) {
  const int32_t k = gating->k;
  assignments->k = k;
  for (int32_t i = 0; i < assignments->tokens; i++) {
    const hr_real *logits_i = logits + (ptrdiff_t)i * e;
    int32_t *ids = assignments->experts + (ptrdiff_t)i * k;
    hr_real *weights = assignments->weights + (ptrdiff_t)i * k;
    if (gating->bias) {
      self->score(gating->row, logits_i, e);
      hr_add(gating->row, gating->bias, e);
      hr_gate_largest(ids, weights, gating->row, e, k);
      hr_gate_sort(ids, k, logits_i);
    } else {
      hr_gate_largest(ids, weights, logits_i, e, k);
    }
    const hr_choice choice = {ids, k, logits_i, e, gating->row};
    self->weigh(weights, &choice);
  }
}

void hr_gate_backward(const hr_gate_type *self, hr_real *dlogits, const hr_real *dweights,
                      const hr_assignments *assignments, const hr_dispatch *dispatch, const hr_real *logits,
                      hr_real *row) {
  const int32_t n = assignments->tokens, k = assignments->k, e = dispatch->experts;
  hr_real *own = row + e;
  /* As they were before some were dropped. */
  hr_real *before = dispatch->drops ? own + e : NULL;
  memset(dlogits, 0, (size_t)n * (size_t)e * sizeof *dlogits);
  for (int32_t i = 0; self->backward && i < n; i++) {
    const ptrdiff_t first = (ptrdiff_t)i * k;
    const int32_t *ids = assignments->experts + first, *rows = dispatch->row + first;
    int32_t count = 0;
    for (; count < k && ids[count] >= 0; count++) own[count] = rows[count] >= 0 ? dweights[rows[count]] : 0;
    if (count == 0) continue;
    const hr_choice choice = {ids, count, logits + (ptrdiff_t)i * e, e, row};
    if (before) self->weigh(before, &choice);
    self->backward(dlogits + (ptrdiff_t)i * e, own, before ? before : assignments->weights + first, &choice);
  }
}
