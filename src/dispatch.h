/* Which expert works on which token: the assignments that a gate made, as each expert sees them. A token may have any
 * number of experts, also none. */
#ifndef HR_DISPATCH_H
#define HR_DISPATCH_H

#include "base/arena.h"

/* The experts of N tokens as a gate chooses them: K per token. A token that has fewer is filled up with the expert
 * HR_NO_EXPERT, of weight 0. */
typedef struct hr_assignments {
  int32_t tokens, k; /* N, K */
  int32_t *experts;  /* [N,K] by falling logit */
  hr_real *weights;  /* [N,K] */
} hr_assignments;

enum { HR_NO_EXPERT = -1 };

/* The same assignments in rows: those of expert 0 first, and those of one expert by token. */
typedef struct hr_dispatch {
  int32_t tokens, experts; /* N, E */
  int32_t rows;            /* R, assignments in all */
  int32_t *counts;         /* [E] */
  int32_t *offsets;        /* [E+1] where the rows of each expert begin */
  int32_t *token;          /* [R] */
  hr_real *weight;         /* [R] */
  int32_t *row;            /* [N,K] the row of each assignment; HR_NO_EXPERT where there is none */
} hr_dispatch;

/* Memory for at most `most` assignments. */
void hr_dispatch_plan(hr_dispatch *self, hr_arena *arena, int32_t experts, int64_t most);

/* Sorts the assignments by expert. */
void hr_dispatch_build(hr_dispatch *self, const hr_assignments *assignments);

#endif
