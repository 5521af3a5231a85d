/* Sparse mixture of experts: y_n = sum over the K chosen experts of s_nk o_e(x_n).
 * Source: Do et al. 2023, section 2; CustomizedMoEPositionwiseFF in mem_transformer.py of the published code. */
#ifndef HR_MOE_H
#define HR_MOE_H

#include "expert.h"
#include "router.h"
#include "routing.h"

typedef struct hr_moe {
  int32_t layer;
  int32_t experts_count; /* E */
  hr_expert shape;       /* its sizes only */
  hr_router router;
  hr_parameter *w1, *c1, *w2, *c2; /* [E,F,D], [E,F], [E,D,F], [E,D] */
  double load_balance_weight, router_z_weight;

  /* Of the last forward pass. */
  int32_t top_k;    /* K then */
  int32_t tokens;   /* N then */
  hr_real *logits;  /* [N,E] */
  int32_t *experts; /* [N,K] largest logit first */
  hr_real *weights; /* [N,K] */
  int32_t *counts;  /* [E] */
  int32_t
      *offsets;    /* [E+1] where each expert's rows begin, the rows being the assignments sorted by expert */
  int32_t *rows;   /* [N*K] the assignment n*K + k that each row is */
  hr_real *hidden; /* [capacity,F] */
  int32_t capacity; /* rows for which there is memory: N*K of the configuration */
  double auxiliary; /* weighted losses of the last backward pass */
} hr_moe;

/* Rows of one expert that are worked on together. */
typedef struct hr_piece {
  int32_t expert, begin, end;
} hr_piece;

/* Scratch that all layers share. */
typedef struct hr_moe_scratch {
  hr_piece *pieces;
  hr_real *x;            /* [capacity,D] tokens gathered by expert */
  hr_real *y;            /* [capacity,D] outputs, or the gradient of the layer's output, by expert */
  hr_real *dx;           /* [capacity,D] */
  hr_real *dh;           /* [capacity,F] */
  hr_real *row_weights;  /* [capacity] */
  hr_real *row_dweights; /* [capacity] */
  hr_real *dweights;     /* [N*E] gradient of the weights, [N,K] used */
  hr_real *dlogits;      /* [N,E] */
  hr_real *probability;  /* [E] */
  hr_real *share;        /* [E] */
} hr_moe_scratch;

void hr_moe_declare(hr_moe *self, hr_parameters *parameters, const hr_config *config, int32_t layer);
void hr_moe_plan(hr_moe *self, hr_arena *arena, const hr_config *config, int32_t tokens);
void hr_moe_scratch_plan(hr_moe_scratch *self, hr_arena *arena, const hr_config *config, int32_t tokens);

/* y [N,D] = mixture of x [N,D], N and K being those of the pass. */
void hr_moe_forward(hr_moe *self, hr_real *y, const hr_real *x, hr_moe_scratch *scratch, const hr_pass *pass);

/* dx [N,D] += gradient; gradients of the experts are set, those of the router added to; x as in the forward pass. */
void hr_moe_backward(hr_moe *self, hr_real *dx, const hr_real *dy, const hr_real *x, hr_moe_scratch *scratch,
                     const hr_pass *pass);

/* Mean over the tokens of the last forward pass, and over all pairs of experts, of the cosine between what the two
 * experts make of the token, whether it was sent to them or not: 1 is collapse. 1 if E is 1. An output of length 0 has
 * the cosine 0 with all others.
 *   x  [N,D] as in the forward pass */
double hr_moe_similarity(const hr_moe *self, const hr_real *x, hr_moe_scratch *scratch, const hr_pass *pass);

/* Mean over tokens of the router's entropy as a fraction of ln E; 0 if E is 1. */
double hr_moe_entropy(const hr_moe *self);

#endif
