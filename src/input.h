/* How a model reads its batch: token ids through an embedding, or vectors through a linear map. */
#ifndef HR_INPUT_H
#define HR_INPUT_H

#include "parameters.h"
#include "pass.h"

typedef struct hr_input hr_input;

typedef struct hr_input_type {
  void (*declare)(hr_input *self, hr_parameters *parameters, const hr_config *config);
  /* Takes the buffer for n tokens or vectors that callers may fill. */
  void (*plan)(hr_input *self, hr_arena *arena, int32_t n);
  /* Whether the n tokens or vectors of a batch can be read. */
  bool (*accepts)(const hr_input *self, const hr_batch *batch, int32_t n);
  /* x [N,D] out */
  void (*forward)(const hr_input *self, hr_real *x, const hr_batch *batch, const hr_pass *pass);
  /* Adds to the gradients of the tensors; dx [N,D] is overwritten. */
  void (*backward)(hr_input *self, hr_real *dx, const hr_batch *batch, const hr_pass *pass);
} hr_input_type;

struct hr_input {
  const hr_input_type *type;
  int32_t d;
  int32_t size;         /* V token ids, or I numbers of a vector */
  hr_parameter *weight; /* [V,D], or [D,I] */
  hr_parameter *bias;   /* [D] of the linear map */
  int32_t *tokens;      /* [N] for callers to fill */
  hr_real *features;    /* [N,I] for callers to fill */
};

/* x = W[token] sqrt(D), then dropout. Source: AdaptiveEmbedding in mem_transformer.py of the published code. */
extern const hr_input_type hr_input_embedding;
/* x = W features + b */
extern const hr_input_type hr_input_linear;

/* Whether all n ids are in 0 .. limit-1. */
bool hr_ids_fit(const int32_t *ids, int32_t n, int32_t limit);

#endif
