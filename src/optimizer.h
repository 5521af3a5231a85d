/* Adam over all trained parameters, and the global norm of their gradient. */
#ifndef HR_OPTIMIZER_H
#define HR_OPTIMIZER_H

#include "base/team.h"
#include "parameters.h"

/* sqrt of the sum of the squares of all gradients. */
double hr_gradient_norm(hr_parameters *parameters, hr_team *team);

typedef struct hr_rates {
  double body, head;
  bool head_only; /* the body stays as it is */
  double clip;
} hr_rates;

/* One step of Adam, number `step` (from 1), with the gradient scaled to the norm `clip` where it is longer (0: never),
 * as torch.nn.utils.clip_grad_norm_ does. */
void hr_optimizer_step(hr_parameters *parameters, const hr_config *config, int64_t step,
                       const hr_rates *rates, double grad_norm, hr_team *team);

#endif
