/* Draws a token from logits. */
#ifndef HR_SAMPLING_H
#define HR_SAMPLING_H

#include "base/arena.h"

typedef struct hr_sampler {
  int32_t *order;         /* [V] scratch */
  hr_real *probabilities; /* [V] scratch */
} hr_sampler;

void hr_sampler_plan(hr_sampler *self, hr_arena *arena, int32_t v);

/* A token of softmax(logits / temperature), cut to the smallest set of tokens whose probabilities reach top_p (Holtzman
 * et al. 2020, nucleus sampling). temperature 0: the largest logit, ties to the lower id.
 *   state  in/out: of the random numbers */
int32_t hr_sample(hr_sampler *self, const hr_real *logits, int32_t v, double temperature, double top_p,
                  uint64_t *state);

#endif
