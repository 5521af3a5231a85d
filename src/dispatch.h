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
  hr_real *weights;  /* [N,K]; 0 where the expert's capacity was full */
  int32_t *counts;   /* [N] scratch of gates that choose a varying number */
} hr_assignments;

enum { HR_NO_EXPERT = -1 };

/* Makes [N,K] of lists that lie E apart and of which token n has counts[n], K being the longest (at least 1), and fills
 * them up. */
void hr_assignments_pack(hr_assignments *self, int32_t e);

/* The same assignments in rows: those of expert 0 first, and those of one expert by token. */
typedef struct hr_dispatch {
  int32_t tokens, experts; /* N, E */
  int32_t rows;            /* R, assignments in all, but for those that were dropped */
  int32_t *counts;         /* [E] assignments, with those that were dropped */
  int32_t *dropped;        /* [E] assignments that exceeded the expert's capacity */
  bool drops;              /* whether there are any */
  int32_t *taken;          /* [E] scratch */
  int32_t *offsets;        /* [E+1] where the rows of each expert begin */
  int32_t *token;          /* [R] */
  hr_real *weight;         /* [R] */
  int32_t *row; /* [N,K] the row of each assignment; HR_NO_EXPERT where there is none, or it was dropped */
} hr_dispatch;

/* Memory for at most `most` assignments. */
void hr_dispatch_plan(hr_dispatch *self, hr_arena *arena, int32_t experts, int64_t most);

/* Sorts the assignments by expert. An expert takes at most `capacity` of them (0: all), the first ones in the order of
 * the tokens; the others are dropped: their weight becomes 0. Source: Fedus, Zoph, Shazeer 2022, section 2.2. */
void hr_dispatch_build(hr_dispatch *self, hr_assignments *assignments, int32_t capacity);

#endif
