/* Sparse mixture of experts: y_n = sum over the experts e chosen for token n of w_ne o_e(x_n).
 *
 * The stages of a layer, each in a file of its own: the router makes logits (router.h), the gate chooses experts and
 * their weights from these (gate.h), the dispatch sorts the choice by expert and drops what is over an expert's capacity
 * (dispatch.h), and the experts compute it (experts.h). Shared experts, which every token has, are added.
 *
 * Source: Do et al. 2023, section 2; CustomizedMoEPositionwiseFF in mem_transformer.py of the published code. */
#ifndef HR_MOE_H
#define HR_MOE_H

#include "auxiliary.h"
#include "dense.h"
#include "experts.h"
#include "noise.h"
#include "router.h"

typedef struct hr_moe {
  hr_router router;
  const hr_gate_type *gate;
  hr_experts experts;
  hr_dense shared; /* experts that every token has besides */
  hr_noise noise;
  hr_parameter *bias; /* [E] that balances the load */
  bool has_shared, has_noise, has_bias;
  hr_auxiliary losses;
  double capacity_factor, balance_rate;

  /* Of the last forward pass. */
  hr_real *logits; /* [N,E] */
  hr_assignments assignments;
  hr_dispatch dispatch;
  double auxiliary; /* weighted losses of the last backward pass */
} hr_moe;

/* Scratch that all layers share. */
typedef struct hr_moe_scratch {
  hr_experts_scratch experts;
  hr_dense_scratch shared;
  hr_real *shared_out; /* [N,D] */
  hr_real *dweights;   /* [N*E], [R] used */
  hr_real *dlogits;    /* [N,E] */
  hr_real *row;        /* [3E] numbers of one token */
} hr_moe_scratch;

void hr_moe_declare(hr_moe *self, hr_parameters *parameters, const hr_config *config, int32_t layer);
void hr_moe_plan(hr_moe *self, hr_arena *arena, const hr_config *config, int32_t tokens);
void hr_moe_scratch_plan(hr_moe_scratch *self, hr_arena *arena, const hr_config *config, int32_t tokens);

/* y [N,D] = mixture of x [N,D], N and K being those of the pass. */
void hr_moe_forward(hr_moe *self, hr_real *y, const hr_real *x, hr_moe_scratch *scratch, const hr_pass *pass);

/* dx [N,D] += gradient; gradients of the experts are overwritten, those of the router added to; x as in the forward
 * pass. */
void hr_moe_backward(hr_moe *self, hr_real *dx, hr_real *dy, const hr_real *x, hr_moe_scratch *scratch,
                     const hr_pass *pass);

/* What changes outside the gradient after a training step: the bias that balances the load. */
void hr_moe_after_step(hr_moe *self);

/* Share of the weights [N,E] of the last forward pass that are zero, because the token has not chosen the expert. */
double hr_moe_zeros(const hr_moe *self);

#endif
