/* Gates that take the k largest logits of each token, and differ in how they weigh them. */
#include "base/math.h"
#include "gate.h"
#include "kernels/vector.h"

hr_real hr_gate_logistic(hr_real x) {
  /* exp of a number that is not positive: it cannot overflow. */
  const double power = hr_exp(x < 0 ? (double)x : -(double)x);
  return (hr_real)((x < 0 ? power : 1) / (1 + power));
}

static void softmax_score(hr_real *scores, const hr_real *logits, int32_t e) {
  hr_softmax(scores, logits, e);
}

/* ----------------------------------------------------------------------- topk-softmax: softmax over the chosen
 *
 *   w_j = exp(g_j) / sum of exp(g_i) over the chosen i;  dg_j = w_j (dw_j - sum_i w_i dw_i)
 *
 * Source: custom_gate.py of the published code, HyperRouterGate; Mixtral (Jiang et al. 2024, section 2). */

static void chosen_softmax(hr_real *weights, const hr_choice *choice) {
  for (int32_t j = 0; j < choice->count; j++) weights[j] = choice->logits[choice->ids[j]];
  hr_softmax(weights, weights, choice->count);
}

/* row [count] = the gradient before a softmax whose result is weights. */
static void through_softmax(hr_real *row, const hr_real *dweights, const hr_real *weights, int32_t count) {
  memcpy(row, dweights, (size_t)count * sizeof *row);
  hr_softmax_backward(row, weights, 1, count);
}

static void chosen_softmax_backward(hr_real *dlogits, const hr_real *dweights, const hr_real *weights,
                                    const hr_choice *choice) {
  through_softmax(choice->row, dweights, weights, choice->count);
  for (int32_t j = 0; j < choice->count; j++) dlogits[choice->ids[j]] = choice->row[j];
}

const hr_gate_type hr_gate_topk_softmax = {
    .option = {.name = "topk-softmax",
               .label = "Top-k, then softmax",
               .summary = "The k largest logits; their weights are the softmax over these k.",
               .traits = HR_TRAIT_TOP_K | HR_TRAIT_NORMALISED | HR_TRAIT_DIFFERENTIABLE},
    .choose = hr_gate_choose_k,
    .score = softmax_score,
    .weigh = chosen_softmax,
    .backward = chosen_softmax_backward,
};

/* ------------------------------------------------------------------ softmax-topk: p itself, not renormalised
 *
 *   w_j = p_j;  dg_j = p_j (dw_j [j chosen] - sum_i p_i dw_i) for all j: the router learns at k = 1 too
 *
 * Source: Fedus, Zoph, Shazeer 2022, "Switch Transformers", eq. 2; OLMoE (Muennighoff et al. 2024, section 2). */

static void probability(hr_real *weights, const hr_choice *choice) {
  hr_softmax(choice->row, choice->logits, choice->e);
  for (int32_t j = 0; j < choice->count; j++) weights[j] = choice->row[choice->ids[j]];
}

static void probability_backward(hr_real *dlogits, const hr_real *dweights, const hr_real *weights,
                                 const hr_choice *choice) {
  (void)weights;
  hr_softmax(choice->row, choice->logits, choice->e);
  for (int32_t j = 0; j < choice->count; j++) dlogits[choice->ids[j]] = dweights[j];
  hr_softmax_backward(dlogits, choice->row, 1, choice->e);
}

const hr_gate_type hr_gate_softmax_topk = {
    .option = {.name = "softmax-topk",
               .label = "Softmax, then top-k",
               .summary = "As in the Switch Transformer, the weights are the k largest probabilities: the "
                          "router learns at k = 1 too.",
               .traits = HR_TRAIT_TOP_K | HR_TRAIT_PROBABILITIES | HR_TRAIT_DIFFERENTIABLE},
    .choose = hr_gate_choose_k,
    .score = softmax_score,
    .weigh = probability,
    .backward = probability_backward,
};

/* --------------------------------------------------------------------------- sigmoid: logistic, renormalised
 *
 *   w_j = s(g_j) / sum of s(g_i) over the chosen i;  dg_j = w_j (1 - s(g_j)) (dw_j - sum_i w_i dw_i)
 *
 * Source: DeepSeek-AI 2024, "DeepSeek-V3 Technical Report", eq. 13 to 15. */

static void logistic_score(hr_real *scores, const hr_real *logits, int32_t e) {
  for (int32_t id = 0; id < e; id++) scores[id] = hr_gate_logistic(logits[id]);
}

/* Below this, s(g) is exp(g) to the last bit of a float, and shares of it are those of the softmax, which cannot
 * underflow. */
static const hr_real DEEP = -30;

void hr_gate_shares(hr_real *shares, const hr_real *logits, int32_t n) {
  if (hr_maximum(logits, n) < DEEP) {
    hr_softmax(shares, logits, n);
    return;
  }
  for (int32_t i = 0; i < n; i++) shares[i] = hr_gate_logistic(logits[i]);
  hr_scale(shares, 1 / hr_total(shares, n), shares, n);
}

static void logistic_share(hr_real *weights, const hr_choice *choice) {
  for (int32_t j = 0; j < choice->count; j++) choice->row[j] = choice->logits[choice->ids[j]];
  hr_gate_shares(weights, choice->row, choice->count);
}

static void logistic_share_backward(hr_real *dlogits, const hr_real *dweights, const hr_real *weights,
                                    const hr_choice *choice) {
  through_softmax(choice->row, dweights, weights, choice->count);
  for (int32_t j = 0; j < choice->count; j++) {
    const int32_t id = choice->ids[j];
    /* 1 - s(g) = s(-g), without cancellation. */
    dlogits[id] = hr_gate_logistic(-choice->logits[id]) * choice->row[j];
  }
}

const hr_gate_type hr_gate_sigmoid = {
    .option = {.name = "sigmoid",
               .label = "Sigmoid (DeepSeek-V3)",
               .summary = "The k largest logits; their weights are their sigmoids, scaled to sum to 1.",
               .traits = HR_TRAIT_TOP_K | HR_TRAIT_SIGMOID | HR_TRAIT_NORMALISED | HR_TRAIT_DIFFERENTIABLE},
    .choose = hr_gate_choose_k,
    .score = logistic_score,
    .weigh = logistic_share,
    .backward = logistic_share_backward,
};

/* ------------------------------------------------------------------------------------------ uniform: 1/k each */

static void uniform(hr_real *weights, const hr_choice *choice) {
  hr_fill(weights, 1 / (hr_real)choice->count, choice->count);
}

const hr_gate_type hr_gate_uniform = {
    .choose = hr_gate_choose_k,
    .weigh = uniform,
};
