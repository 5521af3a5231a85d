/* Gates: which experts a token is routed to, and with which weights, from its router logits.
 *
 * A new gate is a file gate_<name>.c and a line in the table of gate.c. N tokens, E experts, K per token; g logits
 * [N,E], p the softmax of g over all E, s the logistic function. */
#ifndef HR_GATE_H
#define HR_GATE_H

#include "dispatch.h"

typedef struct hr_gate_type hr_gate_type;

/* What a gate works with in one pass. */
typedef struct hr_gating {
  int32_t k;
  bool alone;          /* tokens are routed one by one, as generation does: none sees the others */
  const hr_real *bias; /* [E] added to the scores for the choice alone; NULL: none */
  hr_real *scratch;    /* [N,E] */
  hr_real *row;        /* [E] scratch */
} hr_gating;

/* What was chosen for one token. */
typedef struct hr_choice {
  const int32_t *ids; /* [count] */
  int32_t count;
  const hr_real *logits; /* [E] */
  int32_t e;
  hr_real *row; /* [E] scratch */
} hr_choice;

struct hr_gate_type {
  hr_option option;
  /* Whether every expert takes ceil(N K / E) tokens: up to E - 1 assignments more than N K. */
  bool rounds_up;
  /* Fills in the assignments of N tokens from logits [N,E]; experts of a token by falling logit, ties to the lower id. */
  void (*choose)(const hr_gate_type *self, hr_assignments *assignments, const hr_real *logits, int32_t e,
                 const hr_gating *gating);
  /* scores [E] of one token, by which experts are chosen where a bias is added to them; NULL where none can be */
  void (*score)(hr_real *scores, const hr_real *logits, int32_t e);
  /* weights [count] of the experts that were chosen for a token */
  void (*weigh)(hr_real *weights, const hr_choice *choice);
  /* dlogits [E] of a token, zero before, from the gradient dweights [count] of its weights. NULL: nothing reaches them. */
  void (*backward)(hr_real *dlogits, const hr_real *dweights, const hr_real *weights,
                   const hr_choice *choice);
};

extern const hr_gate_type hr_gate_topk_softmax;
extern const hr_gate_type hr_gate_softmax_topk;
extern const hr_gate_type hr_gate_sigmoid;
extern const hr_gate_type hr_gate_expert_choice;
extern const hr_gate_type hr_gate_relu;
/* Weighs each of the k largest logits 1/k. No option: the gate of the router `hash`. */
extern const hr_gate_type hr_gate_uniform;

/* NULL if there is no such gate. */
const hr_gate_type *hr_gate_at(int32_t index);

/* dlogits [N,E] out, from the gradients dweights [R] of the rows of a dispatch. An assignment without a row has a weight
 * that nothing depends on. row [3E] is scratch. */
void hr_gate_backward(const hr_gate_type *self, hr_real *dlogits, const hr_real *dweights,
                      const hr_assignments *assignments, const hr_dispatch *dispatch, const hr_real *logits,
                      hr_real *row);

/* For the gates' files. */

/* `choose` of the gates that take k experts per token: those of the k largest logits, or, with a bias, of the k largest
 * score + bias. */
void hr_gate_choose_k(const hr_gate_type *self, hr_assignments *assignments, const hr_real *logits, int32_t e,
                      const hr_gating *gating);
/* ids [k] out: of the k largest values [E], largest first, ties to the lower id; best [k] is scratch */
void hr_gate_largest(int32_t *ids, hr_real *best, const hr_real *values, int32_t e, int32_t k);
/* The logistic function, 1 / (1 + exp(-x)), without overflow. */
hr_real hr_gate_logistic(hr_real x);
/* shares [n] of the logistic functions of n logits: each over their sum */
void hr_gate_shares(hr_real *shares, const hr_real *logits, int32_t n);
/* Makes [N,K] of the lists of a gate that chooses a varying number of experts (hr_assignments_pack), each by falling logit,
 * with the weights that values [N,E] are. */
void hr_gate_finish(hr_assignments *assignments, const hr_real *values, const hr_real *logits, int32_t e);
/* Sorts ids [count] by falling logit, ties to the lower id. */
void hr_gate_sort(int32_t *ids, int32_t count, const hr_real *logits);

#endif
