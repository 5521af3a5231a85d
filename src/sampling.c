#include "sampling.h"

#include <string.h>

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

static int32_t largest(const hr_real *scores, int32_t v) {
  int32_t best = 0;
  for (int32_t i = 1; i < v; i++) {
    if (scores[i] > scores[best]) best = i;
  }
  return best;
}

/* Differences to the largest first: a tiny temperature must not overflow. */
static void softmax(hr_real *scores, int32_t v, hr_real most, double temperature) {
  for (int32_t i = 0; i < v; i++) scores[i] = (hr_real)((double)(scores[i] - most) / temperature);
  hr_softmax(scores, scores, v);
}

const hr_real *hr_sampler_probabilities(hr_sampler *self, const hr_real *logits, int32_t v) {
  hr_real *probabilities = self->probabilities;
  memcpy(probabilities, logits, (size_t)v * sizeof *logits);
  softmax(probabilities, v, logits[largest(logits, v)], 1);
  return probabilities;
}

/* Keskar et al. 2019, section 4.1, which divides by the penalty; a negative logit is multiplied, for it would become
 * more likely (as in Hugging Face's RepetitionPenaltyLogitsProcessor). From `logits`, so that an id may be listed twice. */
static void penalise(hr_real *scores, const hr_real *logits, const hr_sampling *sampling) {
  const double penalty = sampling->repetition_penalty;
  for (int32_t i = 0; i < sampling->repeated_count; i++) {
    const int32_t id = sampling->repeated[i];
    const double logit = (double)logits[id];
    scores[id] = (hr_real)(logit < 0 ? logit * penalty : logit / penalty);
  }
}

/* How many of the tokens in `order` may be drawn, and their probability. */
static int32_t cut(const hr_sampler *self, int32_t v, const hr_sampling *sampling, double *kept) {
  const hr_real *probabilities = self->probabilities;
  double whole = sampling->top_tokens < v ? 0 : 1;
  for (int32_t i = 0; i < sampling->top_tokens && sampling->top_tokens < v; i++)
    whole += (double)probabilities[self->order[i]];
  int32_t count = 0;
  *kept = 0;
  while (count < sampling->top_tokens && *kept < sampling->top_p * whole)
    *kept += (double)probabilities[self->order[count++]];
  return count;
}

int32_t hr_sample(hr_sampler *self, const hr_real *logits, int32_t v, const hr_sampling *sampling,
                  uint64_t *state) {
  hr_real *probabilities = self->probabilities;
  memcpy(probabilities, logits, (size_t)v * sizeof *logits);
  penalise(probabilities, logits, sampling);
  const int32_t best = largest(probabilities, v);
  if (sampling->temperature == 0) return best;
  softmax(probabilities, v, probabilities[best], sampling->temperature);
  sort_by_probability(self->order, probabilities, v);
  double kept;
  const int32_t count = cut(self, v, sampling, &kept);
  double draw = hr_uniform(*state, 0) * kept;
  *state = hr_key(*state, 1);
  int32_t at = 0;
  for (; at < count - 1; at++) {
    draw -= (double)probabilities[self->order[at]];
    if (draw < 0) break;
  }
  return self->order[at];
}
