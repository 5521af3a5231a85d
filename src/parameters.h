/* The table of parameters: name, shape, role, initial values. It drives the memory plan, the optimizer,
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
  HR_INITIAL_UNIT,     /* N(0, 1): the embedding of the hyperrouter, the table of the hash router */
  HR_INITIAL_LN_2,     /* ln 2: the temperature of the cosine router */
} hr_initial;

typedef struct hr_parameters {
  hr_parameter *table; /* NULL while they are only counted */
  /* While counting: the entry of this index is described here, without memory. */
  hr_parameter *wanted;
  int32_t wanted_index;
  int32_t count;
  /* Reals of each role in all, every tensor padded to whole vectors. Tensors of a role lie side by side, so that the
   * optimizer makes one pass over the trained ones. */
  int64_t sizes[HR_ROLES];
  int64_t body; /* trained reals before those of the head; all, if there is no head */
  hr_real *data[HR_ROLES];
  hr_real *grad[HR_ROLES]; /* NULL for roles that have none */
  hr_real *m, *v;          /* of the trained ones */
} hr_parameters;

/* Declares a tensor of up to three dimensions (0: none) and returns its entry; NULL while tensors are only counted, unless
 * it is the wanted one. The name is `layers.<layer>.<name>`, or `<name>` if layer is -1. */
hr_parameter *hr_parameters_declare(hr_parameters *self, int32_t layer, const char *name, hr_initial initial,
                                    hr_role role, int32_t d0, int32_t d1, int32_t d2);

/* Scales the deviation of a tensor's initial values; entry may be NULL, while counting. */
void hr_parameters_scale(hr_parameter *entry, double scale);
/* Sets the normal distribution of a tensor's initial values; entry may be NULL, while counting. */
void hr_parameters_normal(hr_parameter *entry, double mean, double deviation);

/* Begins the table anew: the same declarations run once to count and once to fill it. */
void hr_parameters_restart(hr_parameters *self);

/* Takes the memory and points the entries to it. */
void hr_parameters_place(hr_parameters *self, hr_arena *arena);

/* Sets the gradients to zero that a backward pass adds to; with `all` also those that it overwrites. */
void hr_parameters_clear_gradients(hr_parameters *self, bool all);

/* Draws every tensor from its own random numbers: a tensor's values do not depend on what else the model has. */
void hr_parameters_initialise(hr_parameters *self, uint64_t seed);

#endif
