/* Routers whose R [E,D] and b [E] are parameters themselves: trained (smoe; Shazeer et al. 2017 without noise, as
 * CustomNaiveGate in the published code) or random and frozen (smoe-dropout; Chen et al., "Sparse MoE as the new
 * dropout", ICLR 2023). */
#include "router.h"

enum { WEIGHT, BIAS };

static void declare(hr_router *self, hr_parameters *parameters, int32_t layer) {
  const hr_role role = self->type->option.traits & HR_TRAIT_LEARNS ? HR_TRAINED : HR_FROZEN;
  self->parameters[WEIGHT] = hr_parameters_declare(parameters, layer, "pos_ff.gate.gate.weight",
                                                   HR_INITIAL_SMALL, role, self->experts, self->d_model, 0);
  self->parameters[BIAS] = hr_parameters_declare(parameters, layer, "pos_ff.gate.gate.bias", HR_INITIAL_ZERO,
                                                 role, self->experts, 0, 0);
  hr_parameters_scale(self->parameters[WEIGHT], self->scale);
}

const hr_router_type hr_router_smoe = {
    .option = {.name = "smoe",
               .label = "Standard top-k (SMoE)",
               .summary = "The router is trained together with the experts.",
               .traits =
                   HR_TRAIT_ROUTES | HR_TRAIT_LEARNS | HR_TRAIT_MATRIX | HR_TRAIT_SCALE | HR_TRAIT_GATED},
    .declare = declare,
    .plan = hr_router_linear_plan,
    .forward = hr_router_linear_forward,
    .backward = hr_router_linear_backward,
};

const hr_router_type hr_router_smoe_dropout = {
    .option = {.name = "smoe-dropout",
               .label = "Frozen random (SMoE-Dropout)",
               .summary = "The router is random and frozen.",
               .traits = HR_TRAIT_ROUTES | HR_TRAIT_MATRIX | HR_TRAIT_SCALE | HR_TRAIT_GATED},
    .declare = declare,
    .plan = hr_router_linear_plan,
    .forward = hr_router_linear_forward,
    .backward = hr_router_linear_backward,
};
