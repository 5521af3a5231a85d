/* The first half of a layer: attention with relative positions over the memory and the segment, residual, layer norm.
 *
 * Source: Dai et al. 2019, "Transformer-XL", section 3.3 and appendix B; RelPartialLearnableMultiHeadAttn in
 * mem_transformer.py of the published code. With q, k, v the projections of the tokens, R of the distances between them:
 *
 *   score(i, j) = ((q_i + u) . k_j + (q_i + w) . R_(i-j)) / sqrt(A),  j <= i
 *   y = LayerNorm(x + drop(o_net(softmax(score) v)))
 *
 * or, with pre-layer-norm, q, k, v from LayerNorm of memory and x, and y = x + drop(...). */
#ifndef HR_ATTENTION_H
#define HR_ATTENTION_H

#include "linear.h"
#include "norm.h"

typedef struct hr_attention {
  int32_t layer;
  int32_t d, heads, d_head;
  int32_t memory_length; /* rows between two streams in the memory */
  bool pre_layer_norm;
  hr_parameter *qkv;    /* [3HA,D], rows in the order q, k, v, each head-major */
  hr_parameter *r;      /* [HA,D] */
  hr_parameter *o;      /* [D,HA] */
  hr_parameter *u_bias; /* [H,A] shared by all layers */
  hr_parameter *w_bias; /* [H,A] shared by all layers */
  hr_norm norm;

  /* Of the last forward pass. Row c of what belongs to positions is distance S-1-c. */
  hr_real *q;             /* [N,HA] */
  hr_real *kv;            /* [B,S,2HA] keys, then values */
  hr_real *position_keys; /* [S,HA] */
  hr_real *probabilities; /* [B,H,T,S] before dropout, 0 behind the diagonal */
  hr_real *head_outputs;  /* [N,HA] */
  hr_real *sum;           /* [N,D] x + drop(...), without pre-layer-norm */
  hr_real *stats;         /* [N,2], or [B*S,2] with pre-layer-norm */
} hr_attention;

/* Scratch that all layers share. */
typedef struct hr_attention_scratch {
  hr_real *rows;        /* [B,S,D] memory and x; with pre-layer-norm needed beside the next */
  hr_real *source;      /* [B,S,D] what keys and values are projected from */
  hr_real *query_input; /* [N,D] what queries are projected from */
  /* Of each thread, queries_size or scores_size behind one another. */
  hr_real *qu, *qw; /* [T,A] */
  hr_real *scores;  /* [block of T,S], and a number in front for each row */
  int64_t queries_size, scores_size;
  hr_real *dq;             /* [N,HA] */
  hr_real *dkv;            /* [B,S,2HA] */
  hr_real *dposition_keys; /* [S,HA] */
  hr_real *dhead_outputs;  /* [N,HA] */
  hr_real *out;            /* [N,D] */
  hr_real *drows;          /* [B,S,D] with pre-layer-norm */
} hr_attention_scratch;

/* Keys, values and keys of positions that generation keeps from token to token. */
typedef struct hr_attention_cache {
  hr_real *kv;            /* [capacity, 2HA] */
  hr_real *position_keys; /* [capacity, HA], row c is distance capacity-1-c */
  int32_t capacity;
  int32_t width; /* 2HA */
} hr_attention_cache;

void hr_attention_declare(hr_attention *self, hr_parameters *parameters, const hr_config *config,
                          int32_t layer);
void hr_attention_plan(hr_attention *self, hr_arena *arena, const hr_config *config, int32_t cache_capacity);
void hr_attention_scratch_plan(hr_attention_scratch *self, hr_arena *arena, const hr_config *config,
                               int32_t cache_capacity);
void hr_attention_cache_plan(hr_attention_cache *self, hr_arena *arena, const hr_config *config,
                             int32_t capacity);

/* y [N,D] out
 * x [N,D] in, memory [B,memory_length,D] in (the first M rows of each), positions [S,D] in */
void hr_attention_forward(hr_attention *self, hr_real *y, const hr_real *x, const hr_real *memory,
                          const hr_real *positions, hr_attention_scratch *scratch, const hr_pass *pass);

/* Replaces the gradient dx [N,D] of the output by that of the input x. The memory takes no gradient. The positions may
 * differ from those of the forward pass by a row that is the same for all of them. */
void hr_attention_backward(hr_attention *self, hr_real *dx, const hr_real *x, const hr_real *memory,
                           const hr_real *positions, hr_attention_scratch *scratch, const hr_pass *pass);

/* Projects the positions for generation; once for given parameters. positions [capacity,D] */
void hr_attention_cache_positions(const hr_attention *self, hr_attention_cache *cache,
                                  const hr_real *positions, const hr_pass *pass);

/* As hr_attention_forward with one stream whose M tokens of memory stand in the cache; adds the T new ones to it. */
void hr_attention_generate(hr_attention *self, hr_real *y, const hr_real *x, hr_attention_cache *cache,
                           hr_attention_scratch *scratch, const hr_pass *pass);

/* Moves the last `kept` keys and values to the front, over the `forgotten` ones before them. */
void hr_attention_cache_forget(hr_attention_cache *cache, int32_t forgotten, int32_t kept);

/* x [count,D] = sine and cosine halves for the distances count-1 .. 0; centred: the same with cos - 1, exact where the
 * cosine itself would round to 1. */
void hr_positions(hr_real *x, hr_real *centred, int32_t count, int32_t d);

#endif
