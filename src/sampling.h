/* Draws a token from logits. */
#ifndef HR_SAMPLING_H
#define HR_SAMPLING_H

#include "base/arena.h"

typedef struct hr_sampler {
  int32_t *order;         /* [V] scratch */
  hr_real *probabilities; /* [V] scratch */
} hr_sampler;

void hr_sampler_plan(hr_sampler *self, hr_arena *arena, int32_t v);

/* softmax(logits) [V], until the next call. */
const hr_real *hr_sampler_probabilities(hr_sampler *self, const hr_real *logits, int32_t v);

/* A token as `sampling` says. Its `repeated` may be self->order.
 *   state  in/out: of the random numbers */
int32_t hr_sample(hr_sampler *self, const hr_real *logits, int32_t v, const hr_sampling *sampling,
                  uint64_t *state);

#endif
