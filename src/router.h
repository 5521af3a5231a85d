/* Routers: where the router logits come from.
 *
 * A new router is a file router_<name>.c and a line in the table of router.c. */
#ifndef HR_ROUTER_H
#define HR_ROUTER_H

#include "gate.h"
#include "parameters.h"
#include "pass.h"

typedef struct hr_router hr_router;

typedef struct hr_router_type {
  hr_option option;
  /* The gate of a router that leaves no choice of one; else NULL. */
  const hr_gate_type *gate;
  /* Declares the tensors. */
  void (*declare)(hr_router *self, hr_parameters *parameters, int32_t layer);
  /* Takes memory for n tokens, and points weight, bias and their gradients to where they are. */
  void (*plan)(hr_router *self, hr_arena *arena, int32_t n);
  /* Computes what is constant while the parameters are: R and b. NULL: nothing to do. */
  void (*generate)(hr_router *self, const hr_pass *pass);
  /* logits [N,E] out, x [N,D] in */
  void (*forward)(const hr_router *self, hr_real *logits, const hr_real *x, int32_t n, const hr_pass *pass);
  /* dx [N,D] += ..., dlogits [N,E] and x [N,D] in; adds to the gradients of the tensors. NULL: nothing
   * depends on x or on a trained tensor. */
  void (*backward)(hr_router *self, hr_real *dx, const hr_real *dlogits, const hr_real *x, int32_t n,
                   const hr_pass *pass);
} hr_router_type;

/* As many as the router that has most. */
enum { HR_ROUTER_TENSORS = 5, HR_ROUTER_BUFFERS = 6 };

struct hr_router {
  const hr_router_type *type;
  int32_t d_model, experts, hyper_size, router_size, vocab_size;
  double scale;                    /* routerScale */
  const hr_router_tensor *tensors; /* of a custom router, while the model is created */
  int32_t tensor_count;
  hr_parameter *parameters[HR_ROUTER_TENSORS];
  hr_real *buffers[HR_ROUTER_BUFFERS]; /* as the type names them */
  /* Of routers whose logits are R x + b, after generate(): */
  hr_real *weight; /* R [E,D] */
  hr_real *bias;   /* b [E] */
  /* Their gradient; NULL if nothing behind R and b is trained. Zero when a pass begins. */
  hr_real *weight_grad; /* [E,D] */
  hr_real *bias_grad;   /* [E] */
};

extern const hr_router_type hr_router_hyperrouter;
extern const hr_router_type hr_router_smoe;
extern const hr_router_type hr_router_smoe_dropout;
extern const hr_router_type hr_router_dense;
extern const hr_router_type hr_router_cosine;
extern const hr_router_type hr_router_hash;
extern const hr_router_type hr_router_custom;

/* NULL if there is no such router. */
const hr_router_type *hr_router_at(int32_t index);

/* Whether the router of a configuration routes tokens; else one dense network takes them all. */
bool hr_router_routes(const hr_config *config);

/* The plan of routers whose first two tensors are R and b themselves. */
void hr_router_linear_plan(hr_router *self, hr_arena *arena, int32_t n);

/* logits = R x + b, for routers that have an R and a b. */
void hr_router_linear_forward(const hr_router *self, hr_real *logits, const hr_real *x, int32_t n,
                              const hr_pass *pass);

/* dx += dlogits R; adds to the gradient of R and b, where there is one. */
void hr_router_linear_backward(hr_router *self, hr_real *dx, const hr_real *dlogits, const hr_real *x,
                               int32_t n, const hr_pass *pass);

#endif
