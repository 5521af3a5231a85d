/* A router for added-router.test.js: R is drawn at random once, and only b is trained. It has a configuration key of its own,
 * biasSpread, the standard deviation of the initial b. */
#include "kernels/vector.h"
#include "router.h"

enum { WEIGHT, BIAS };

static void declare(hr_router *self, hr_parameters *parameters, int32_t layer) {
  const int32_t e = self->experts, d = self->d_model;
  self->parameters[WEIGHT] = hr_parameters_declare(parameters, layer, "pos_ff.gate.gate.weight",
                                                   HR_INITIAL_SMALL, HR_FROZEN, e, d, 0);
  self->parameters[BIAS] =
      hr_parameters_declare(parameters, layer, "pos_ff.gate.gate.bias", HR_INITIAL_UNIT, HR_TRAINED, e, 0, 0);
  hr_parameters_scale(self->parameters[BIAS], self->bias_spread);
}

static void plan(hr_router *self, hr_arena *arena, int32_t n) {
  (void)n;
  /* Where the gradient of R is added, which nothing uses. */
  self->weight_grad = hr_arena_reals(arena, HR_MEMORY_GRADIENTS, self->experts, self->d_model);
  if (!arena->base) return;
  self->weight = self->parameters[WEIGHT]->data;
  self->bias = self->parameters[BIAS]->data;
  self->bias_grad = self->parameters[BIAS]->grad;
}

static void backward(hr_router *self, hr_real *dx, const hr_real *dlogits, const hr_real *x, int32_t n,
                     const hr_pass *pass) {
  hr_router_linear_backward(self, dx, dlogits, x, n, pass);
  hr_fill(self->weight_grad, 0, self->experts * self->d_model);
}

const hr_router_type hr_router_bias_only = {
    .option = {.name = "bias-only",
               .label = "Only b (bias-only)",
               .summary = "R is random and frozen; only b is trained.",
               .traits =
                   HR_TRAIT_ROUTES | HR_TRAIT_LEARNS | HR_TRAIT_MATRIX | HR_TRAIT_GATED | HR_TRAIT_SPREAD},
    .declare = declare,
    .plan = plan,
    .forward = hr_router_linear_forward,
    .backward = backward,
};
