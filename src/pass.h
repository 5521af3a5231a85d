/* What the layers of one pass through a model share. */
#ifndef HR_PASS_H
#define HR_PASS_H

#include <stdbool.h>

#include "base/random.h"
#include "base/team.h"
#include "kernels/matmul.h"

/* One segment: B streams of T new tokens behind M tokens of memory. Where streams differ in length (hr_pass.starts), T
 * is the longest, and there is no memory. */
typedef struct hr_segment {
  int32_t batch;
  int32_t length;
  int32_t memory;
} hr_segment;

typedef struct hr_pass {
  hr_segment segment;
  int32_t top_k;
  bool training;
  bool cached;           /* generation: the memory stands in the caches of attention */
  const int32_t *tokens; /* [N] ids, where the input has such */
  /* [B+1] the first of the N rows of each stream, and N: streams of different lengths lie side by side, without
   * padding. NULL: T rows each. */
  const int32_t *starts;
  double sparsity_weight;
  /* Dropout rates; 0 outside training. */
  double dropout;
  double attention_dropout;
  double head_dropout;
  uint64_t key; /* of this step's random numbers */
  /* Threads that share the work; NULL: the caller alone. */
  hr_team *team;
  /* Of the first thread; each further one's is matmul_scratch_size behind. */
  hr_real *matmul_scratch;
  int64_t matmul_scratch_size;
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

static inline hr_real *hr_pass_scratch(const hr_pass *pass, int32_t thread) {
  return pass->matmul_scratch + thread * pass->matmul_scratch_size;
}

/* The pass as a thread of the team sees it inside a part of a task: alone, with scratch of its own. */
static inline hr_pass hr_pass_alone(const hr_pass *pass, int32_t thread) {
  hr_pass own = *pass;
  own.team = NULL;
  own.matmul_scratch = hr_pass_scratch(pass, thread);
  return own;
}

static inline int32_t hr_pass_tokens(const hr_pass *pass) {
  return pass->starts ? pass->starts[pass->segment.batch] : pass->segment.batch * pass->segment.length;
}

/* The rows of one stream. */
typedef struct hr_stream {
  int32_t begin, count;
} hr_stream;

static inline hr_stream hr_pass_stream(const hr_pass *pass, int32_t b) {
  if (!pass->starts) return (hr_stream){b * pass->segment.length, pass->segment.length};
  return (hr_stream){pass->starts[b], pass->starts[b + 1] - pass->starts[b]};
}

/* hr_matmul, shared among the team where it is large enough. The bits are those of hr_matmul. */
void hr_multiply(const hr_pass *pass, hr_real *c, int32_t c_stride, hr_matrix a, hr_matrix b, int32_t m,
                 int32_t n, int32_t k, hr_store_mode mode);

#endif
