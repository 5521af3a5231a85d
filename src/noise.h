/* Noisy top-k: in training the router logits get trained noise, g += eps (softplus(Wn x) + 0.01), eps from N(0,1).
 * Source: Shazeer et al. 2017, "Outrageously Large Neural Networks", section 2.1, eq. 4. */
#ifndef HR_NOISE_H
#define HR_NOISE_H

#include "linear.h"

typedef struct hr_noise {
  int32_t layer;
  hr_parameter *weight; /* Wn [E,D] */
  hr_real *slope;       /* [N,E] of the last training pass: d g / d (Wn x) */
} hr_noise;

void hr_noise_declare(hr_noise *self, hr_parameters *parameters, const hr_config *config, int32_t layer);
void hr_noise_plan(hr_noise *self, hr_arena *arena, const hr_config *config, int32_t tokens);

/* Adds noise to logits [N,E] of x [N,D]; scratch [N,E]. */
void hr_noise_forward(hr_noise *self, hr_real *logits, const hr_real *x, hr_real *scratch,
                      const hr_pass *pass);
/* dx [N,D] +=, and the gradient of Wn, from dlogits [N,E]. */
void hr_noise_backward(hr_noise *self, hr_real *dx, const hr_real *dlogits, const hr_real *x,
                       const hr_pass *pass);

#endif
