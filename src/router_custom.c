/* A router of the caller's: a program outside makes R [E,D] and b [E] of the tensors that it declared, and carries their
 * gradient on to these; see hr_model_backward() in hyperrouter.h. Here are the logits R x + b, and the gradient of R and b. */
#include "router.h"

enum { WEIGHT, BIAS };

static void declare(hr_router *self, hr_parameters *parameters, int32_t layer) {
  self->parameters[WEIGHT] =
      hr_parameters_declare(parameters, layer, "pos_ff.gate.generated.weight", HR_INITIAL_ZERO, HR_EXTERNAL,
                            self->experts, self->d_model, 0);
  self->parameters[BIAS] = hr_parameters_declare(parameters, layer, "pos_ff.gate.generated.bias",
                                                 HR_INITIAL_ZERO, HR_EXTERNAL, self->experts, 0, 0);
  for (int32_t i = 0; i < self->tensor_count; i++) {
    const hr_router_tensor *tensor = &self->tensors[i];
    char name[16 + HR_ROUTER_TENSOR_NAME] = "pos_ff.gate.";
    memcpy(name + strlen(name), tensor->name, sizeof tensor->name);
    const hr_role role = tensor->trained ? HR_TRAINED : HR_FROZEN;
    hr_parameters_normal(hr_parameters_declare(parameters, layer, name, HR_INITIAL_UNIT, role,
                                               tensor->shape[0], tensor->shape[1], tensor->shape[2]),
                         tensor->mean, tensor->deviation);
  }
}

const hr_router_type hr_router_custom = {
    .option = {.name = "custom",
               .label = "Custom",
               .summary = "A program of the caller generates the router.",
               .traits =
                   HR_TRAIT_ROUTES | HR_TRAIT_LEARNS | HR_TRAIT_MATRIX | HR_TRAIT_GATED | HR_TRAIT_EXTERNAL},
    .declare = declare,
    .plan = hr_router_linear_plan,
    .forward = hr_router_linear_forward,
    .backward = hr_router_linear_backward,
};
