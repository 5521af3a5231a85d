/* Gradients held against central differences. For the engine in double precision. */
#ifndef DIFFERENCES_H
#define DIFFERENCES_H

#include "testing.h"

typedef struct differences {
  /* The loss with the numbers as they are now; `comparable` is set to false where it is not the function that was
   * differentiated, because other experts were chosen. */
  double (*loss)(void *self, bool *comparable);
  void *self;
  /* Counted over all calls: */
  int64_t compared, skipped, retried;
  double worst; /* error relative to the derivative, or to a part of the largest one of its tensor */
  char worst_name[128];
} differences;

/* Moves numbers of x, all if there are few and else random ones, and compares how the loss moves with the gradient. */
void check_gradient(differences *self, const char *name, hr_real *x, const hr_real *gradient, int32_t size);

/* Checks that few coordinates were skipped, and prints the worst error. */
void check_differences(const differences *self, const char *name);

#endif
