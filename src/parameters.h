/* The table of parameters: name, shape, trained or frozen, initial values. It drives the memory plan, the optimiser,
 * checkpoints, the names in JavaScript and the gradient check. */
#ifndef HR_PARAMETERS_H
#define HR_PARAMETERS_H

#include "base/arena.h"
#include "hyperrouter.h"

/* Source: weights_init in train.py of the published code, and custom_gate.py for the router's embedding. */
typedef enum hr_initial {
  HR_INITIAL_ZERO,     /* biases */
  HR_INITIAL_SMALL,    /* N(0, 0.02^2): linear maps, embeddings, attention biases */
  HR_INITIAL_NEAR_ONE, /* N(1, 0.02^2): layer norm weights */
  HR_INITIAL_UNIT,     /* N(0, 1): the embedding of the hyperrouter */
} hr_initial;

typedef struct hr_parameters {
  hr_parameter *table; /* NULL while they are only counted */
  /* While counting: the entry of this index is described here, without memory. */
  hr_parameter *wanted;
  int32_t wanted_index;
  int32_t count;
  /* Reals in all, every tensor padded to whole vectors. Trained tensors lie side by side, so that the optimiser
   * makes one pass; frozen ones have no gradient and no moments. */
  int64_t trained;
  int64_t frozen;
  hr_real *data, *grad, *m, *v; /* of the trained ones */
  hr_real *frozen_data;
} hr_parameters;

/* Declares a tensor of up to three dimensions (0: none) and returns its entry, or NULL while counting. The name is
 * `layers.<layer>.<name>`, or `<name>` if layer is -1. */
hr_parameter *hr_parameters_declare(hr_parameters *self, int32_t layer, const char *name, hr_initial initial,
                                    bool trainable, int32_t d0, int32_t d1, int32_t d2);

/* Takes the memory and points the entries to it. */
void hr_parameters_place(hr_parameters *self, hr_arena *arena);

/* Sets to zero the gradients that a backward pass adds to. */
void hr_parameters_clear_gradients(hr_parameters *self);

/* Draws every tensor from its own random numbers: a tensor's values do not depend on what else the model has. */
void hr_parameters_initialise(hr_parameters *self, uint64_t seed);

#endif
