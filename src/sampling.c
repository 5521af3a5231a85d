#include "sampling.h"

#include "base/random.h"
#include "kernels/vector.h"

void hr_sampler_plan(hr_sampler *self, hr_arena *arena, int32_t v) {
  self->order = hr_arena_ints(arena, HR_MEMORY_SCRATCH, v, 1);
  self->probabilities = hr_arena_reals(arena, HR_MEMORY_SCRATCH, v, 1);
}

/* Sorts ids by falling probability, ties by id, so that the sum that is cut at top_p has one order: heap sort, in place and
 * without recursion. */
static bool before(const hr_real *probabilities, int32_t a, int32_t b) {
  return probabilities[a] > probabilities[b] || (probabilities[a] == probabilities[b] && a < b);
}

static void sift(int32_t *ids, const hr_real *probabilities, int32_t root, int32_t count) {
  for (int32_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && before(probabilities, ids[child], ids[child + 1])) child++;
    if (!before(probabilities, ids[root], ids[child])) return;
    int32_t swap = ids[root];
    ids[root] = ids[child];
    ids[child] = swap;
  }
}

static void sort_by_probability(int32_t *ids, const hr_real *probabilities, int32_t count) {
  for (int32_t i = 0; i < count; i++) ids[i] = i;
  for (int32_t root = count / 2 - 1; root >= 0; root--) sift(ids, probabilities, root, count);
  for (int32_t end = count - 1; end > 0; end--) {
    int32_t swap = ids[0];
    ids[0] = ids[end];
    ids[end] = swap;
    sift(ids, probabilities, 0, end);
  }
}

int32_t hr_sample(hr_sampler *self, const hr_real *logits, int32_t v, double temperature, double top_p,
                  uint64_t *state) {
  hr_real *probabilities = self->probabilities;
  int32_t best = 0;
  for (int32_t i = 1; i < v; i++) {
    if (logits[i] > logits[best]) best = i;
  }
  if (temperature == 0) return best;
  /* Differences to the largest first: a tiny temperature must not overflow. */
  for (int32_t i = 0; i < v; i++)
    probabilities[i] = (hr_real)((double)(logits[i] - logits[best]) / temperature);
  hr_softmax(probabilities, probabilities, v);
  sort_by_probability(self->order, probabilities, v);
  double kept = 0;
  int32_t count = 0;
  while (count < v && kept < top_p) kept += (double)probabilities[self->order[count++]];
  double draw = hr_uniform(*state, 0) * kept;
  *state = hr_key(*state, 1);
  int32_t at = 0;
  for (; at < count - 1; at++) {
    draw -= (double)probabilities[self->order[at]];
    if (draw < 0) break;
  }
  return self->order[at];
}
