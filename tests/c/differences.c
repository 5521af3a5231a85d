#include "differences.h"

#include <math.h>
#include <stdio.h>

/* Coordinates of a tensor that are looked at. */
enum { ALL_UP_TO = 12, SAMPLE = 8 };

static const double STEP = 1e-5, TOLERANCE = 1e-6;

/* The central difference; false if the loss is another function on one of the two sides. */
static bool difference(const differences *self, double *result, hr_real *x, double step) {
  const hr_real was = *x;
  const hr_real above = was + (hr_real)step, below = was - (hr_real)step;
  bool comparable = true;
  *x = above;
  const double loss_above = self->loss(self->self, &comparable);
  *x = below;
  const double loss_below = self->loss(self->self, &comparable);
  *x = was;
  *result = (loss_above - loss_below) / (double)(above - below);
  return comparable;
}

static double relative_error(double found, double expected, double size) {
  return fabs(found - expected) / fmax(fmax(fabs(found), fabs(expected)), size);
}

static void compare(differences *self, const char *name, hr_real *x, double expected, double size,
                    int32_t coordinate) {
  double found;
  if (!difference(self, &found, x, STEP)) {
    self->skipped++;
    return;
  }
  double error = relative_error(found, expected, size);
  if (!(error <= TOLERANCE)) {
    /* Within the step a rectifier may have a kink, where no difference is the derivative: a shorter step that does not
     * reach it must do, though its difference drowns earlier. A wrong gradient is as wrong with any step. */
    self->retried++;
    difference(self, &found, x, STEP / 20);
    error = relative_error(found, expected, size) / 10;
  }
  self->compared++;
  CHECK_THAT(error <= TOLERANCE, "%s[%d]: by differences %.12g, gradient %.12g", name, coordinate, found,
             expected);
  if (!(error <= self->worst)) {
    self->worst = error;
    snprintf(self->worst_name, sizeof self->worst_name, "%s", name);
  }
}

void check_gradient(differences *self, const char *name, hr_real *x, const hr_real *gradient, int32_t size) {
  /* Below this a derivative drowns in the rounding of the loss, a few 1e-16 / STEP, in relation to the tolerance. */
  const double floor = fmax(1e-2 * largest(gradient, size), 3e-4);
  if (size <= ALL_UP_TO) {
    for (int32_t i = 0; i < size; i++) compare(self, name, x + i, (double)gradient[i], floor, i);
    return;
  }
  for (int32_t i = 0; i < SAMPLE; i++) {
    const int32_t at = random_below(size);
    compare(self, name, x + at, (double)gradient[at], floor, at);
  }
}

void check_differences(const differences *self, const char *name) {
  printf("%s: %lld coordinates, worst error %.2g (%s), %lld at a kink, %lld skipped\n", name,
         (long long)self->compared, self->worst, self->worst_name, (long long)self->retried,
         (long long)self->skipped);
  CHECK(self->compared > 0);
  CHECK_THAT(self->skipped * 100 <= self->compared, "few coordinates are skipped");
  CHECK_THAT(self->retried * 100 <= self->compared, "few coordinates lie at a kink");
}
