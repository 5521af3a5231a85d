/* Expert choice: each expert takes the min(N, ceil(N k / E)) tokens of its largest p, with the weight p; a token gets 0
 * to E experts. The load is even by construction, but the choice looks at all tokens of the segment, later ones too.
 *
 * Tokens that are routed alone cannot be chosen among: each takes the k experts of its largest p instead.
 *
 * Source: Zhou et al. 2022, "Mixture-of-Experts with Expert Choice Routing", section 3.2. */
#include "gate.h"
#include "kernels/vector.h"

/* Sifts the root of a heap whose smallest value is its root. */
static void sift(hr_real *heap, int32_t root, int32_t count) {
  for (int32_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && heap[child + 1] < heap[child]) child++;
    if (!(heap[child] < heap[root])) return;
    const hr_real swap = heap[root];
    heap[root] = heap[child];
    heap[child] = swap;
  }
}

/* The c-th largest of n values that lie `stride` apart, 1 <= c <= n; heap [c] is scratch. */
static hr_real nth_largest(hr_real *heap, const hr_real *values, ptrdiff_t stride, int32_t n, int32_t c) {
  for (int32_t i = 0; i < c; i++) heap[i] = values[i * stride];
  for (int32_t root = c / 2 - 1; root >= 0; root--) sift(heap, root, c);
  for (int32_t i = c; i < n; i++) {
    if (!(values[i * stride] > heap[0])) continue;
    heap[0] = values[i * stride];
    sift(heap, 0, c);
  }
  return heap[0];
}

/* Appends an expert to a token's list of at most E. */
static void append(hr_assignments *assignments, int32_t *counts, int32_t token, int32_t expert, int32_t e) {
  assignments->experts[(ptrdiff_t)token * e + counts[token]++] = expert;
}

static void choose(const hr_gate_type *self, hr_assignments *assignments, const hr_real *logits, int32_t e,
                   const hr_gating *gating) {
  const int32_t n = assignments->tokens;
  if (gating->alone || n == 1) {
    hr_gate_choose_k(self, assignments, logits, e, gating);
    return;
  }
  const int64_t share = ((int64_t)n * gating->k + e - 1) / e;
  const int32_t c = share < n ? (int32_t)share : n;
  hr_real *p = gating->scratch, *heap = assignments->weights;
  int32_t *counts = assignments->counts;
  memset(counts, 0, (size_t)n * sizeof *counts);
  for (int32_t i = 0; i < n; i++) hr_softmax(p + (ptrdiff_t)i * e, logits + (ptrdiff_t)i * e, e);
  for (int32_t id = 0; id < e; id++) {
    const hr_real least = nth_largest(heap, p + id, e, n, c);
    int32_t ties = c;
    for (int32_t i = 0; i < n; i++) ties -= p[(ptrdiff_t)i * e + id] > least;
    for (int32_t i = 0; i < n; i++) {
      const hr_real value = p[(ptrdiff_t)i * e + id];
      /* NaN is chosen too: it must go through, or a diverged model would look healthy. */
      if (value > least || value != value || (value == least && ties-- > 0))
        append(assignments, counts, i, id, e);
    }
  }
  hr_gate_finish(assignments, p, logits, e);
}

static void weigh(hr_real *weights, const hr_choice *choice) {
  hr_gate_softmax_topk.weigh(weights, choice);
}

/* Through p of the token's own assignments, as Switch. */
static void backward(hr_real *dlogits, const hr_real *dweights, const hr_real *weights,
                     const hr_choice *choice) {
  hr_gate_softmax_topk.backward(dlogits, dweights, weights, choice);
}

const hr_gate_type hr_gate_expert_choice = {
    .option = {.name = "expert-choice",
               .label = "Expert choice",
               .summary = "Each expert takes the same number of tokens, those of its largest probabilities.",
               .traits = HR_TRAIT_VARIES | HR_TRAIT_PROBABILITIES | HR_TRAIT_DIFFERENTIABLE |
                         HR_TRAIT_AMONG_TOKENS},
    .rounds_up = true,
    .choose = choose,
    .weigh = weigh,
    .backward = backward,
};
