/* What the layers of one pass through a model share. */
#ifndef HR_PASS_H
#define HR_PASS_H

#include "base/random.h"
#include "kernels/matmul.h"

/* One segment: B streams of T new tokens behind M tokens of memory. */
typedef struct hr_segment {
  int32_t batch;
  int32_t length;
  int32_t memory;
} hr_segment;

typedef struct hr_pass {
  hr_segment segment;
  int32_t top_k;
  /* Dropout rates; 0 outside training. */
  double dropout;
  double attention_dropout;
  uint64_t key; /* of this step's random numbers */
  hr_real *matmul_scratch;
} hr_pass;

/* Where dropout happens; every place has random numbers of its own. */
typedef enum hr_dropout_place {
  HR_DROP_EMBEDDING,
  HR_DROP_POSITIONS,
  HR_DROP_OUTPUT,
  HR_DROP_ATTENTION_WEIGHTS,
  HR_DROP_ATTENTION,
  HR_DROP_HIDDEN,
  HR_DROP_FEEDFORWARD,
  HR_DROP_PLACES
} hr_dropout_place;

static inline uint64_t hr_dropout_key(const hr_pass *pass, int32_t layer, hr_dropout_place place) {
  return hr_key(pass->key, (uint64_t)layer * HR_DROP_PLACES + place);
}

static inline int32_t hr_pass_tokens(const hr_pass *pass) {
  return pass->segment.batch * pass->segment.length;
}

#endif
