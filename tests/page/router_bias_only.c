/* A router for added-router.test.js: R is drawn at random once, and only b is trained. */
#include "kernels/vector.h"
#include "router.h"

enum { WEIGHT, BIAS };

static void declare(hr_router *self, hr_parameters *parameters, int32_t layer) {
  const int32_t e = self->experts, d = self->d_model;
  self->parameters[WEIGHT] =
      hr_parameters_declare(parameters, layer, "pos_ff.gate.gate.weight", HR_INITIAL_SMALL, false, e, d, 0);
  self->parameters[BIAS] =
      hr_parameters_declare(parameters, layer, "pos_ff.gate.gate.bias", HR_INITIAL_ZERO, true, e, 0, 0);
}

static void plan(hr_router *self, hr_arena *arena) {
  /* The layer gives the gradient of R too. It is not used. */
  self->weight_grad = hr_arena_reals(arena, HR_MEMORY_GRADIENTS, self->experts, self->d_model);
  if (!arena->base) return;
  self->weight = self->parameters[WEIGHT]->data;
  self->bias = self->parameters[BIAS]->data;
  self->bias_grad = self->parameters[BIAS]->grad;
}

static void generate(hr_router *self, const hr_pass *pass) {
  (void)self;
  (void)pass;
}

static void backward(hr_router *self, const hr_pass *pass) {
  (void)pass;
  hr_fill(self->weight_grad, 0, self->experts * self->d_model);
}

const hr_router_type hr_router_bias_only = {
    .option = {.name = "bias-only",
               .label = "Only b (bias-only)",
               .summary = "R is random and frozen; only b is trained.",
               .traits = HR_TRAIT_ROUTES | HR_TRAIT_LEARNS},
    .declare = declare,
    .plan = plan,
    .generate = generate,
    .backward = backward,
};
