/* Routers: where the routing matrix R and its bias b come from. The MoE layer asks a router for R and b of this step
 * and gives back their gradient; what is behind them is the router's own affair.
 *
 * A new router is a file router_<name>.c and a line in the table of router.c. */
#ifndef HR_ROUTER_H
#define HR_ROUTER_H

#include "parameters.h"
#include "pass.h"

typedef struct hr_router hr_router;

typedef struct hr_router_type {
  hr_option option;
  void (*declare)(hr_router *self, hr_parameters *parameters, int32_t layer);
  void (*plan)(hr_router *self, hr_arena *arena);
  /* Makes R and b from the parameters. */
  void (*generate)(hr_router *self, const hr_pass *pass);
  /* Takes the gradient of R and b on to the parameters. */
  void (*backward)(hr_router *self, const hr_pass *pass);
} hr_router_type;

struct hr_router {
  const hr_router_type *type;
  int32_t d_model, experts, hyper_size;
  hr_parameter *parameters[5];
  /* Of the hypernetwork: hidden layer [Z] and its gradient, output [E, D+1] or its gradient. */
  hr_real *hidden;
  hr_real *d_hidden;
  hr_real *output;
  /* After generate(): */
  hr_real *weight; /* R [E,D] */
  hr_real *bias;   /* b [E] */
  /* Where the MoE layer adds the gradient; NULL if nothing behind R and b is trained. Zero when a pass begins. */
  hr_real *weight_grad; /* [E,D] */
  hr_real *bias_grad;   /* [E] */
};

extern const hr_router_type hr_router_hyperrouter;
extern const hr_router_type hr_router_smoe;
extern const hr_router_type hr_router_smoe_dropout;
extern const hr_router_type hr_router_dense;

/* NULL if there is no such router. */
const hr_router_type *hr_router_at(int32_t index);

/* Whether the router of a configuration routes tokens; else one dense network takes them all. */
static inline bool hr_router_routes(const hr_config *config) {
  return hr_router_at(config->router)->option.traits & HR_TRAIT_ROUTES;
}

#endif
