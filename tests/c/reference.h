/* What a model computes, once more: the formulas of the model, token by token and number by number, in double. It reads
 * a model's parameters by name and shares no code with the engine. Without dropout. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "testing.h"

typedef struct reference {
  hr_model *model;
  hr_config config;
  int32_t top_k;
  int32_t batch, length, memory_length; /* B, T and M of the last forward pass */
  double *memory;                       /* [L,B,M,D], where M grows up to config.memory_length */

  /* Of the last forward pass: */
  double *logits;        /* [N,V] or [N,C] */
  double *router_logits; /* [L,N,E] */
  const int32_t *tokens; /* [N] of the segment */
  double *weights;       /* [L,N,K] */
  int32_t *experts;      /* [L,N,K] */
} reference;

/* Begins with an empty memory. */
reference *reference_create(hr_model *model);
void reference_destroy(reference *self);

/* A segment of a language model behind the memory of the last ones, which moves on. */
void reference_language(reference *self, const int32_t *tokens, int32_t batch, int32_t length);
void reference_classifier(reference *self, const hr_real *features, int32_t batch);
void reference_reset_memory(reference *self);

/* Mean cross-entropy of the last logits. */
double reference_loss(const reference *self, const int32_t *targets);

#endif
