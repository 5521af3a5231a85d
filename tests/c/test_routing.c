/* The choice of experts, the sorting of tokens by expert, and the entropy of a router. */
#include <math.h>
#include <stdlib.h>

#include "auxiliary.h"
#include "balance.h"
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

static void choose(const hr_gate_type *gate, hr_assignments *assignments, const hr_real *logits, int32_t e,
                   int32_t k, const hr_real *bias) {
  hr_real *scratch = new_reals((int64_t)assignments->tokens * e), *row = new_reals(3 * e);
  const hr_gating gating = {.k = k, .bias = bias, .scratch = scratch, .row = row};
  gate->choose(gate, assignments, logits, e, &gating);
  free(scratch);
  free(row);
}

static void check_route(const hr_real *logits, int32_t n, int32_t e, int32_t k) {
  int32_t *experts = new_ints(n * k);
  hr_real *weights = new_reals(n * k);
  hr_assignments chosen = {.tokens = n, .k = k, .experts = experts, .weights = weights};
  choose(&hr_gate_topk_softmax, &chosen, logits, e, k, NULL);
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
  choose(&hr_gate_topk_softmax, &chosen, logits, e, k, NULL);
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
    choose(&hr_gate_topk_softmax, &chosen, spoilt, e, k, NULL);
    bool fine = true;
    for (int32_t j = 0; j < k; j++) {
      fine = fine && experts[j] >= 0 && experts[j] < e;
      for (int32_t other = 0; other < j; other++) fine = fine && experts[other] != experts[j];
    }
    CHECK_THAT(fine, "pattern %d: three different experts, not %d %d %d", pattern, experts[0], experts[1],
               experts[2]);
  }
}

/* ------------------------------------------------------------------------------------------------- gates */

/* What gates choose, told from their definitions in double precision and plain loops. */
typedef struct choice {
  hr_assignments assignments;
  hr_real *logits;
  int32_t n, e, k;
} choice;

static choice new_choice(int32_t n, int32_t e, int32_t k) {
  choice self = {.n = n, .e = e, .k = k, .logits = new_normal(n * e, 2)};
  self.assignments = (hr_assignments){
      .tokens = n, .experts = new_ints(n * e), .weights = new_reals(n * e), .counts = new_ints(n)};
  return self;
}

static void free_choice(choice *self) {
  free(self->logits);
  free(self->assignments.experts);
  free(self->assignments.weights);
  free(self->assignments.counts);
}

static double probability(const choice *self, int32_t token, int32_t id) {
  const hr_real *logits = self->logits + token * self->e;
  double sum = 0;
  for (int32_t other = 0; other < self->e; other++) sum += exp((double)(logits[other] - logits[id]));
  return 1 / sum;
}

static double logistic(double x) {
  return 1 / (1 + exp(-x));
}

/* The weight that a token gives an expert, or -1 where it has not chosen it. */
static double weight_of(const choice *self, int32_t token, int32_t id) {
  const int32_t k = self->assignments.k;
  for (int32_t j = 0; j < k; j++) {
    if (self->assignments.experts[token * k + j] == id)
      return (double)self->assignments.weights[token * k + j];
  }
  return -1;
}

/* By falling logit, ties to the lower id, and filled up behind the last. */
static void check_order(const choice *self) {
  const int32_t k = self->assignments.k;
  for (int32_t i = 0; i < self->n; i++) {
    const int32_t *ids = self->assignments.experts + i * k;
    const hr_real *logits = self->logits + i * self->e;
    for (int32_t j = 0; j < k; j++) {
      if (ids[j] < 0) CHECK(ids[j] == HR_NO_EXPERT && self->assignments.weights[i * k + j] == 0);
      if (j == 0 || ids[j] < 0) continue;
      CHECK(ids[j - 1] >= 0);
      if (ids[j - 1] < 0) continue;
      const hr_real before = logits[ids[j - 1]], here = logits[ids[j]];
      CHECK(before > here || (before == here && ids[j - 1] < ids[j]));
    }
  }
}

static void check_top_k(const hr_gate_type *gate, choice *self, const hr_real *bias) {
  choose(gate, &self->assignments, self->logits, self->e, self->k, bias);
  CHECK_INT(self->assignments.k, self->k);
  check_order(self);
  const bool sigmoid = gate == &hr_gate_sigmoid;
  double *scores = calloc((size_t)self->e, sizeof *scores);
  for (int32_t i = 0; i < self->n; i++) {
    const hr_real *logits = self->logits + i * self->e;
    double exponentials = 0, logistics = 0;
    for (int32_t id = 0; id < self->e; id++) {
      scores[id] = sigmoid ? logistic((double)logits[id]) : probability(self, i, id);
      if (bias) scores[id] += (double)bias[id];
      if (weight_of(self, i, id) < 0) continue;
      exponentials += exp((double)logits[id]);
      logistics += logistic((double)logits[id]);
    }
    double least = INFINITY, most = -INFINITY;
    for (int32_t id = 0; id < self->e; id++) {
      const double weight = weight_of(self, i, id), g = (double)logits[id];
      if (weight < 0) {
        most = fmax(most, scores[id]);
        continue;
      }
      least = fmin(least, scores[id]);
      const double expected = sigmoid                         ? logistic(g) / logistics
                              : gate == &hr_gate_topk_softmax ? exp(g) / exponentials
                              : gate == &hr_gate_softmax_topk ? probability(self, i, id)
                                                              : 1.0 / self->k;
      CHECK_NEAR(weight, expected, 1e-6);
    }
    CHECK_THAT(least >= most - 1e-6, "no other expert has a larger score: %g and %g", least, most);
  }
  free(scores);
}

static void check_expert_choice(choice *self) {
  const int32_t n = self->n, e = self->e, share = (n * self->k + e - 1) / e, c = share < n ? share : n;
  choose(&hr_gate_expert_choice, &self->assignments, self->logits, e, self->k, NULL);
  check_order(self);
  for (int32_t id = 0; id < e; id++) {
    int32_t count = 0;
    double least = INFINITY, most = -INFINITY;
    for (int32_t i = 0; i < n; i++) {
      const double weight = weight_of(self, i, id), p = probability(self, i, id);
      count += weight >= 0;
      if (weight >= 0) CHECK_NEAR(weight, p, 1e-6);
      if (weight >= 0) least = fmin(least, p);
      if (weight < 0) most = fmax(most, p);
    }
    CHECK_INT(count, c);
    CHECK(least >= most - 1e-6);
  }
}

static void check_relu(choice *self) {
  choose(&hr_gate_relu, &self->assignments, self->logits, self->e, self->k, NULL);
  check_order(self);
  for (int32_t i = 0; i < self->n; i++) {
    for (int32_t id = 0; id < self->e; id++) {
      const double g = (double)self->logits[i * self->e + id], weight = weight_of(self, i, id);
      CHECK(g > 0 ? weight == g : weight < 0);
    }
  }
}

static void test_gates(void) {
  for (int32_t e = 1; e <= 9; e += 2) {
    for (int32_t k = 1; k <= e; k += 2) {
      for (int32_t n = 2; n < 40; n += 12) {
        test_context("%d tokens, %d experts, K %d", n, e, k);
        choice self = new_choice(n, e, k);
        hr_real *bias = new_normal(e, 0.3);
        check_top_k(&hr_gate_topk_softmax, &self, NULL);
        check_top_k(&hr_gate_softmax_topk, &self, NULL);
        check_top_k(&hr_gate_sigmoid, &self, NULL);
        check_top_k(&hr_gate_uniform, &self, NULL);
        check_top_k(&hr_gate_topk_softmax, &self, bias);
        check_top_k(&hr_gate_softmax_topk, &self, bias);
        check_top_k(&hr_gate_sigmoid, &self, bias);
        check_expert_choice(&self);
        check_relu(&self);
        /* No expert for anybody. */
        for (int32_t i = 0; i < n * e; i++) self.logits[i] = -1;
        check_relu(&self);
        CHECK_INT(self.assignments.k, 1);
        /* Nothing but ties: to the first tokens, to the lower ids. */
        check_expert_choice(&self);
        for (int32_t i = 0; i < n; i++) CHECK_INT(weight_of(&self, i, 0) >= 0, i < (n * k + e - 1) / e);
        free(bias);
        free_choice(&self);
      }
    }
  }
  test_context("%s", "");
}

/* A bias decides who is chosen, and nothing else. */
static void test_bias(void) {
  const hr_real logits[] = {1, 2, 3, 0}, bias[] = {0.9f, 0, -5, 0};
  int32_t experts[4];
  hr_real weights[4];
  hr_assignments chosen = {.tokens = 1, .experts = experts, .weights = weights};
  choose(&hr_gate_sigmoid, &chosen, logits, 4, 2, bias);
  CHECK_INT(experts[0], 1);
  CHECK_INT(experts[1], 0);
  CHECK_NEAR(weights[0] / weights[1], logistic(2) / logistic(1), 1e-6);
}

/* ------------------------------------------------------------------------------------------------ dispatch */

/* The rows of n tokens with k places each, some of them empty: by expert, within one by token, each with the token and
 * the weight of its assignment. */
static void check_dispatch(int32_t *experts, int32_t n, int32_t k, int32_t e) {
  hr_real *weights = new_normal(n * k, 1);
  hr_assignments assignments = {.tokens = n, .k = k, .experts = experts, .weights = weights};
  hr_arena arena = {.base = calloc(1, 1 << 16)};
  char *memory = arena.base;
  hr_dispatch dispatch = {0};
  hr_dispatch_plan(&dispatch, &arena, e, n * k);
  CHECK(arena.used <= 1 << 16);
  hr_dispatch_build(&dispatch, &assignments, 0);
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
    CHECK_INT(dispatch.dropped[id], 0);
  }
  CHECK_INT(dispatch.offsets[e], row);
  CHECK_INT(dispatch.rows, row);
  for (int32_t a = 0; a < n * k; a++) {
    if (experts[a] == HR_NO_EXPERT) CHECK_INT(dispatch.row[a], HR_NO_EXPERT);
  }
  free(memory);
  free(weights);
}

/* An expert takes the first assignments in the order of the tokens; those that are dropped keep their id and weigh 0. */
static void test_capacity(void) {
  const int32_t n = 40, k = 2, e = 3;
  for (int32_t capacity = 1; capacity < 50; capacity += 7) {
    test_context("capacity %d", capacity);
    int32_t *experts = new_ints(n * k), taken[3] = {0}, dropped[3] = {0};
    hr_real *weights = new_reals(n * k);
    hr_arena arena = {.base = calloc(1, 1 << 14)};
    char *memory = arena.base;
    hr_dispatch dispatch = {0};
    hr_dispatch_plan(&dispatch, &arena, e, n * k);
    for (int32_t a = 0; a < n * k; a++) {
      experts[a] = a % 5 == 0 ? HR_NO_EXPERT : random_below(e);
      weights[a] = experts[a] < 0 ? 0 : 1;
    }
    hr_assignments assignments = {.tokens = n, .k = k, .experts = experts, .weights = weights};
    hr_dispatch_build(&dispatch, &assignments, capacity);
    for (int32_t a = 0; a < n * k; a++) {
      if (experts[a] < 0) continue;
      const bool fits = taken[experts[a]] < capacity;
      CHECK_INT(dispatch.row[a] >= 0, fits);
      CHECK(weights[a] == (fits ? 1 : 0));
      if (fits) CHECK_INT(dispatch.token[dispatch.row[a]], a / k);
      taken[experts[a]] += fits;
      dropped[experts[a]] += !fits;
    }
    for (int32_t id = 0; id < e; id++) {
      CHECK_INT(dispatch.dropped[id], dropped[id]);
      CHECK_INT(dispatch.counts[id], taken[id] + dropped[id]);
      CHECK_INT(dispatch.offsets[id + 1] - dispatch.offsets[id], taken[id]);
    }
    free(experts);
    free(weights);
    free(memory);
  }
  test_context("%s", "");
}

static void test_balance(void) {
  hr_real bias[] = {0, 0, 0, 0.5f};
  hr_balance_step(bias, (int32_t[]){2, 6, 4, 4}, 4, 0.25);
  CHECK(bias[0] == 0.25f && bias[1] == -0.25f && bias[2] == 0 && bias[3] == 0.5f);
  CHECK_NEAR(hr_sparsity_step(0.05, 0.4, 2, 4), 0.06, 1e-15);
  CHECK_NEAR(hr_sparsity_step(0.06, 0.5, 2, 4), 0.05, 1e-15);
  /* Never without end, and never to nothing. */
  double most = 1e29, least = 1e-29;
  for (int i = 0; i < 100; i++) most = hr_sparsity_step(most, 0, 1, 4);
  for (int i = 0; i < 100; i++) least = hr_sparsity_step(least, 1, 1, 4);
  CHECK(most <= HR_SPARSITY_MAX && least > 0);
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
  test_gates();
  test_bias();
  test_dispatch();
  test_capacity();
  test_balance();
  test_entropy();
  return test_report("routing");
}
