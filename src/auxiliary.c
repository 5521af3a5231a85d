#include "auxiliary.h"

#include "base/math.h"
#include "kernels/vector.h"

double hr_auxiliary_backward(hr_real *dlogits, const hr_real *logits, const hr_dispatch *dispatch,
                             double load_balance_weight, double router_z_weight, hr_real *probability,
                             hr_real *share) {
  const int32_t e = dispatch->experts, n = dispatch->tokens;
  const hr_real balance = (hr_real)(load_balance_weight * e / n);
  const hr_real z_scale = (hr_real)(router_z_weight / n);
  double loss = 0;
  for (int32_t id = 0; id < e; id++) share[id] = (hr_real)dispatch->counts[id] / (hr_real)dispatch->rows;
  for (int32_t i = 0; i < n; i++) {
    hr_real *dlogits_i = dlogits + (ptrdiff_t)i * e;
    hr_real z = hr_softmax(probability, logits + (ptrdiff_t)i * e, e);
    hr_real mean = hr_dot(share, probability, e);
    loss += (double)(balance * mean + z_scale * z * z);
    /* The softmax's backward pass and the z-loss, rounded together. */
    for (int32_t id = 0; id < e; id++)
      dlogits_i[id] += probability[id] * (balance * (share[id] - mean) + 2 * z_scale * z);
  }
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
