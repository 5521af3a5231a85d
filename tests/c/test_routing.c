/* The choice of experts, the sorting of tokens by expert, and the entropy of a router. */
#include <math.h>
#include <stdlib.h>

#include "auxiliary.h"
#include "gate.h"
#include "testing.h"

/* The id that stands at place `at` when ids are sorted by falling logit, ties by id: counted, not sorted. */
static int32_t id_at(const hr_real *logits, int32_t e, int32_t at) {
  for (int32_t id = 0; id < e; id++) {
    int32_t before = 0;
    for (int32_t other = 0; other < e; other++) {
      before += logits[other] > logits[id] || (logits[other] == logits[id] && other < id);
    }
    if (before == at) return id;
  }
  return -1;
}

static void check_route(const hr_real *logits, int32_t n, int32_t e, int32_t k) {
  int32_t *experts = new_ints(n * k);
  hr_real *weights = new_reals(n * k);
  hr_assignments chosen = {.tokens = n, .k = k, .experts = experts, .weights = weights};
  hr_gate_topk_softmax(&chosen, logits, e);
  for (int32_t i = 0; i < n; i++) {
    const hr_real *logits_i = logits + i * e;
    double sum = 0, total = 0;
    for (int32_t j = 0; j < k; j++) {
      CHECK_INT(experts[i * k + j], id_at(logits_i, e, j));
      total += (double)weights[i * k + j];
      sum += exp((double)(logits_i[experts[i * k + j]] - logits_i[experts[i * k]]));
    }
    CHECK_NEAR(total, 1, 1e-6);
    for (int32_t j = 0; j < k; j++) {
      const double share = exp((double)(logits_i[experts[i * k + j]] - logits_i[experts[i * k]])) / sum;
      CHECK_NEAR(weights[i * k + j], share, 1e-6);
    }
  }
  free(experts);
  free(weights);
}

static void test_route(void) {
  static const int32_t EXPERTS[] = {1, 2, 3, 4, 5, 8, 13, 16};
  for (size_t i = 0; i < sizeof EXPERTS / sizeof *EXPERTS; i++) {
    const int32_t e = EXPERTS[i], n = 9;
    hr_real *logits = new_normal(n * e, 3);
    /* Some tokens with few different logits, so that there are ties everywhere. */
    for (int32_t j = 0; j < 4 * e; j++) logits[j] = (hr_real)random_below(3);
    for (int32_t j = 0; j < e; j++) logits[j] = 7;
    for (int32_t k = 1; k <= e; k++) {
      test_context("%d experts, the best %d", e, k);
      check_route(logits, n, e, k);
    }
    free(logits);
  }
  test_context("%s", "");
}

static void test_route_extremes(void) {
  const int32_t e = 6, k = 3;
  hr_real logits[] = {-1e30f, 1e30f, 0, 1e30f, -1e30f, 5};
  int32_t experts[3];
  hr_real weights[3];
  hr_assignments chosen = {.tokens = 1, .k = k, .experts = experts, .weights = weights};
  hr_gate_topk_softmax(&chosen, logits, e);
  CHECK_INT(experts[0], 1);
  CHECK_INT(experts[1], 3);
  CHECK_INT(experts[2], 5);
  CHECK_NEAR(weights[0], 0.5, 1e-6);
  CHECK_NEAR(weights[1], 0.5, 1e-6);
  CHECK_NEAR(weights[2], 0, 1e-30);

  /* Whatever a diverged model sends, what comes out must be k different ids: they index memory. */
  const hr_real bad[] = {(hr_real)NAN, (hr_real)INFINITY, (hr_real)-INFINITY};
  for (int32_t pattern = 0; pattern < 729; pattern++) {
    hr_real spoilt[6];
    for (int32_t id = 0, rest = pattern; id < e; id++, rest /= 3) spoilt[id] = bad[rest % 3];
    for (int32_t id = 0; id < k; id++) experts[id] = -1;
    hr_gate_topk_softmax(&chosen, spoilt, e);
    bool fine = true;
    for (int32_t j = 0; j < k; j++) {
      fine = fine && experts[j] >= 0 && experts[j] < e;
      for (int32_t other = 0; other < j; other++) fine = fine && experts[other] != experts[j];
    }
    CHECK_THAT(fine, "pattern %d: three different experts, not %d %d %d", pattern, experts[0], experts[1],
               experts[2]);
  }
}

/* The rows of n tokens with k places each, some of them empty: by expert, within one by token, each with the token and
 * the weight of its assignment. */
static void check_dispatch(int32_t *experts, int32_t n, int32_t k, int32_t e) {
  hr_real *weights = new_normal(n * k, 1);
  const hr_assignments assignments = {.tokens = n, .k = k, .experts = experts, .weights = weights};
  hr_arena arena = {.base = calloc(1, 1 << 16)};
  char *memory = arena.base;
  hr_dispatch dispatch = {0};
  hr_dispatch_plan(&dispatch, &arena, e, n * k);
  CHECK(arena.used <= 1 << 16);
  hr_dispatch_build(&dispatch, &assignments);
  CHECK_INT(dispatch.tokens, n);
  int32_t row = 0;
  for (int32_t id = 0; id < e; id++) {
    CHECK_INT(dispatch.offsets[id], row);
    const int32_t begin = row;
    for (int32_t a = 0; a < n * k; a++) {
      if (experts[a] != id) continue;
      CHECK_INT(dispatch.row[a], row);
      CHECK_INT(dispatch.token[row], a / k);
      CHECK(dispatch.weight[row] == weights[a]);
      row++;
    }
    CHECK_INT(dispatch.counts[id], row - begin);
  }
  CHECK_INT(dispatch.offsets[e], row);
  CHECK_INT(dispatch.rows, row);
  for (int32_t a = 0; a < n * k; a++) {
    if (experts[a] == HR_NO_EXPERT) CHECK_INT(dispatch.row[a], HR_NO_EXPERT);
  }
  free(memory);
  free(weights);
}

static void test_dispatch(void) {
  for (int32_t e = 1; e <= 17; e += 2) {
    for (int32_t n = 0; n < 30; n += 7) {
      const int32_t k = 1 + n % 3;
      test_context("%d tokens of %d places, %d experts", n, k, e);
      int32_t *experts = new_ints(n * k);
      for (int32_t a = 0; a < n * k; a++) experts[a] = random_below(e);
      check_dispatch(experts, n, k, e);
      /* Most experts empty: all to the last, all to the first, to every third. */
      for (int32_t a = 0; a < n * k; a++) experts[a] = e - 1;
      check_dispatch(experts, n, k, e);
      for (int32_t a = 0; a < n * k; a++) experts[a] = 0;
      check_dispatch(experts, n, k, e);
      for (int32_t a = 0; a < n * k; a++) experts[a] = random_below(e) / 3 * 3;
      check_dispatch(experts, n, k, e);
      /* Tokens with fewer experts than places, and with none. */
      for (int32_t a = 0; a < n * k; a++) experts[a] = random_below(2 * e) - e;
      for (int32_t a = 0; a < n * k; a++) experts[a] = experts[a] < 0 ? HR_NO_EXPERT : experts[a];
      check_dispatch(experts, n, k, e);
      for (int32_t a = 0; a < n * k; a++) experts[a] = HR_NO_EXPERT;
      check_dispatch(experts, n, k, e);
      free(experts);
    }
  }
  test_context("%s", "");
}

static double entropy(const hr_real *logits, int32_t n, int32_t e) {
  double total = 0;
  for (int32_t i = 0; i < n; i++) {
    double sum = 0;
    for (int32_t id = 0; id < e; id++) sum += exp((double)logits[i * e + id]);
    for (int32_t id = 0; id < e; id++) {
      const double p = exp((double)logits[i * e + id]) / sum;
      if (p > 0) total -= p * log(p);
    }
  }
  return total / n / log(e);
}

static void test_entropy(void) {
  for (int32_t e = 2; e <= 16; e++) {
    const int32_t n = 7;
    hr_real *logits = new_normal(n * e, 2);
    CHECK_NEAR(hr_router_entropy(logits, n, e), entropy(logits, n, e), 1e-9);
    for (int32_t i = 0; i < n * e; i++) logits[i] = 50;
    CHECK_NEAR(hr_router_entropy(logits, n, e), 1, 1e-12);
    for (int32_t i = 0; i < n * e; i++) logits[i] = i % e == 1 ? 1e4f : -1e4f;
    CHECK_NEAR(hr_router_entropy(logits, n, e), 0, 1e-12);
    free(logits);
  }
  const hr_real alone[] = {3, 4};
  CHECK(hr_router_entropy(alone, 2, 1) == 0);
  CHECK(hr_router_entropy(NULL, 0, 4) == 0);
}

int main(void) {
  test_route();
  test_route_extremes();
  test_dispatch();
  test_entropy();
  return test_report("routing");
}
