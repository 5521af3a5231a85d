#include "router.h"

#include "linear.h"

static const hr_router_type *const ROUTERS[] = {
    &hr_router_hyperrouter, &hr_router_smoe, &hr_router_smoe_dropout, &hr_router_dense,
    &hr_router_cosine,      &hr_router_hash, &hr_router_custom,
};

enum { ROUTER_COUNT = sizeof ROUTERS / sizeof *ROUTERS };

/* Stands in the table so that a network without experts can be chosen wherever a router can. */
const hr_router_type hr_router_dense = {
    .option = {.name = "dense",
               .label = "Dense (no experts)",
               .summary = "No router: one feed-forward network of width dInner x experts takes every token."},
};

const hr_router_type *hr_router_at(int32_t index) {
  return index >= 0 && index < ROUTER_COUNT ? ROUTERS[index] : NULL;
}

bool hr_router_routes(const hr_config *config) {
  return hr_router_at(config->router)->option.traits & HR_TRAIT_ROUTES;
}

void hr_router_linear_plan(hr_router *self, hr_arena *arena, int32_t n) {
  (void)n;
  if (!arena->base) return;
  self->weight = self->parameters[0]->data;
  self->bias = self->parameters[1]->data;
  self->weight_grad = self->parameters[0]->grad;
  self->bias_grad = self->parameters[1]->grad;
}

static hr_linear map(const hr_router *self) {
  return (hr_linear){.inputs = self->d_model,
                     .outputs = self->experts,
                     .stride = self->experts,
                     .weight = self->weight,
                     .bias = self->bias,
                     .weight_grad = self->weight_grad,
                     .bias_grad = self->bias_grad};
}

void hr_router_linear_forward(const hr_router *self, hr_real *logits, const hr_real *x, int32_t n,
                              const hr_pass *pass) {
  const hr_linear linear = map(self);
  hr_linear_forward(&linear, logits, x, n, pass);
}

void hr_router_linear_backward(hr_router *self, hr_real *dx, const hr_real *dlogits, const hr_real *x,
                               int32_t n, const hr_pass *pass) {
  const hr_linear linear = map(self);
  hr_linear_backward_input(&linear, dx, dlogits, n, HR_ACCUMULATE, pass);
  if (self->weight_grad) hr_linear_backward_weights(&linear, dlogits, x, n, HR_ACCUMULATE, pass);
}
