/* A router of the caller's: a program outside makes R [E,D] and b [E] of the tensors that it declared, and carries their
 * gradient on to these; see hr_model_backward() in hyperrouter.h. Here are the logits R x + b, and the gradient of R and b. */
#include "router.h"

enum { WEIGHT, BIAS };

static char *append(char *at, const char *text) {
  while (*text) *at++ = *text++;
  *at = 0;
  return at;
}

static void declare(hr_router *self, hr_parameters *parameters, int32_t layer) {
  self->parameters[WEIGHT] =
      hr_parameters_declare(parameters, layer, "pos_ff.gate.generated.weight", HR_INITIAL_ZERO, HR_EXTERNAL,
                            self->experts, self->d_model, 0);
  self->parameters[BIAS] = hr_parameters_declare(parameters, layer, "pos_ff.gate.generated.bias",
                                                 HR_INITIAL_ZERO, HR_EXTERNAL, self->experts, 0, 0);
  for (int32_t i = 0; i < self->tensor_count; i++) {
    const hr_router_tensor *tensor = &self->tensors[i];
    char name[16 + HR_ROUTER_TENSOR_NAME];
    append(append(name, "pos_ff.gate."), tensor->name);
    const hr_role role = tensor->trained ? HR_TRAINED : HR_FROZEN;
    hr_parameters_normal(hr_parameters_declare(parameters, layer, name, HR_INITIAL_UNIT, role,
                                               tensor->shape[0], tensor->shape[1], tensor->shape[2]),
                         tensor->mean, tensor->deviation);
  }
}

static void plan(hr_router *self, hr_arena *arena, int32_t n) {
  (void)n;
  if (!arena->base) return;
  self->weight = self->parameters[WEIGHT]->data;
  self->bias = self->parameters[BIAS]->data;
  self->weight_grad = self->parameters[WEIGHT]->grad;
  self->bias_grad = self->parameters[BIAS]->grad;
}

const hr_router_type hr_router_custom = {
    .option = {.name = "custom",
               .label = "Custom",
               .summary = "A program of the caller generates the router.",
               .traits =
                   HR_TRAIT_ROUTES | HR_TRAIT_LEARNS | HR_TRAIT_MATRIX | HR_TRAIT_GATED | HR_TRAIT_EXTERNAL},
    .declare = declare,
    .plan = plan,
    .forward = hr_router_linear_forward,
    .backward = hr_router_linear_backward,
};
