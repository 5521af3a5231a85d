#include "auxiliary.h"

#include "base/math.h"
#include "gate.h"
#include "kernels/vector.h"

/* With the logistic function: p = s / total, the sum of s; dL/dg_j = (dL/dp_j - sum_e p_e dL/dp_e) p_j (1 - s_j). Here
 * dL/dp is `balance` times the share. Returns the mean share under p. */
static hr_real sigmoid_balance(hr_real *dlogits, const hr_real *logits, const hr_real *share, hr_real balance,
                               hr_real *p, int32_t e) {
  hr_gate_shares(p, logits, e);
  const hr_real mean = hr_dot(share, p, e);
  for (int32_t id = 0; id < e; id++)
    dlogits[id] += balance * (share[id] - mean) * p[id] * hr_gate_logistic(-logits[id]);
  return mean;
}

static double balance_backward(const hr_auxiliary *self, hr_real *dlogits, const hr_real *logits,
                               const hr_dispatch *dispatch, hr_real *row) {
  const int32_t e = dispatch->experts, n = dispatch->tokens;
  const hr_real balance = (hr_real)(self->load_balance_weight * e / n);
  const hr_real z_scale = (hr_real)(self->router_z_weight / n);
  hr_real *share = row, *probability = row + e;
  double loss = 0;
  int32_t assignments = 0;
  for (int32_t id = 0; id < e; id++) assignments += dispatch->counts[id];
  for (int32_t id = 0; id < e; id++) share[id] = (hr_real)dispatch->counts[id] / (hr_real)assignments;
  for (int32_t i = 0; i < n; i++) {
    hr_real *dlogits_i = dlogits + (ptrdiff_t)i * e;
    const hr_real *logits_i = logits + (ptrdiff_t)i * e;
    hr_real own = balance;
    if (self->sigmoid && self->load_balance_weight > 0) {
      loss += (double)(balance * sigmoid_balance(dlogits_i, logits_i, share, balance, probability, e));
      own = 0;
    }
    hr_real z = hr_softmax(probability, logits_i, e);
    hr_real mean = hr_dot(share, probability, e);
    loss += (double)(own * mean + z_scale * z * z);
    /* The softmax's backward pass and the z-loss, rounded together. */
    for (int32_t id = 0; id < e; id++)
      dlogits_i[id] += probability[id] * (own * (share[id] - mean) + 2 * z_scale * z);
  }
  return loss;
}

static double sparsity_backward(const hr_auxiliary *self, hr_real *dlogits, const hr_assignments *assignments,
                                const hr_dispatch *dispatch) {
  const int32_t e = dispatch->experts, n = dispatch->tokens, k = assignments->k;
  const double scale = self->sparsity_weight * e / ((double)self->target * n * n);
  double loss = 0;
  for (int32_t i = 0; i < n; i++) {
    for (int32_t j = 0; j < k; j++) {
      const ptrdiff_t at = (ptrdiff_t)i * k + j;
      const int32_t id = assignments->experts[at];
      if (id < 0) break;
      const double gradient = scale * dispatch->counts[id];
      dlogits[(ptrdiff_t)i * e + id] += (hr_real)gradient;
      loss += gradient * (double)assignments->weights[at];
    }
  }
  return loss;
}

double hr_auxiliary_backward(const hr_auxiliary *self, hr_real *dlogits, const hr_real *logits,
                             const hr_assignments *assignments, const hr_dispatch *dispatch, hr_real *row) {
  double loss = 0;
  if (self->load_balance_weight > 0 || self->router_z_weight > 0)
    loss += balance_backward(self, dlogits, logits, dispatch, row);
  if (self->sparsity_weight > 0) loss += sparsity_backward(self, dlogits, assignments, dispatch);
  return loss;
}

double hr_router_entropy(const hr_real *logits, int32_t n, int32_t e) {
  if (e == 1 || n == 0) return 0;
  double total = 0;
  for (int32_t i = 0; i < n; i++) {
    const hr_real *logits_i = logits + (ptrdiff_t)i * e;
    /* With w = exp(g - max): entropy = ln sum w - sum w (g - max) / sum w. */
    double top = (double)hr_maximum(logits_i, e), sum = 0, moment = 0;
    for (int32_t id = 0; id < e; id++) {
      double below = (double)logits_i[id] - top, weight = hr_exp(below);
      sum += weight;
      moment += weight * below;
    }
    total += hr_log(sum) - moment / sum;
  }
  return total / n / hr_log(e);
}
