/* Products that a team shares: the bits of a product that one thread computes, wherever it is cut. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/team.h"
#include "pass.h"
#include "testing.h"

/* Idle threads do not sleep natively, so more of them than there are processors make everything slow. */
enum { MOST_THREADS = 3 };

typedef struct post {
  hr_team *team;
  int32_t thread;
  pthread_t handle;
} post;

static void *serve(void *memory) {
  const post *self = memory;
  hr_team_serve(self->team, self->thread);
  return NULL;
}

static void check_product(hr_team *team, int32_t m, int32_t n, int32_t k, int form, hr_store_mode mode) {
  hr_real *a = new_normal((int64_t)m * k, 1), *b = new_normal((int64_t)k * n, 1);
  hr_real *expected = new_normal((int64_t)m * n, 1), *got = new_reals((int64_t)m * n);
  memcpy(got, expected, (size_t)m * (size_t)n * sizeof *got);
  const int64_t scratch = hr_matmul_scratch(n, k);
  /* Of exact size, so that a thread beyond the last one's scratch is seen. */
  const hr_pass pass = {.team = team,
                        .matmul_scratch = new_reals(scratch * hr_team_threads(team)),
                        .matmul_scratch_size = scratch};
  const hr_matrix left = form & 1 ? hr_transposed(a, m) : hr_rows(a, k);
  const hr_matrix right = form & 2 ? hr_transposed(b, k) : hr_rows(b, n);
  hr_matmul(expected, n, left, right, m, n, k, mode, pass.matmul_scratch);
  hr_multiply(&pass, got, n, left, right, m, n, k, mode);
  CHECK_THAT(same_bits(got, expected, (int64_t)m * n), "%d threads, %d x %d x %d, A %s, B %s",
             hr_team_threads(team), m, n, k, form & 1 ? "turned" : "plain", form & 2 ? "turned" : "plain");
  free(a);
  free(b);
  free(expected);
  free(got);
  free(pass.matmul_scratch);
}

/* Sizes that are cut by rows and by columns, and sizes whose last part would be a single row or column. */
static void check_products(hr_team *team) {
  static const int32_t SIZES[][3] = {
      {1, 700, 300}, {700, 1, 300}, {2, 1000, 90},  {61, 60, 64},   {91, 90, 20},   {121, 121, 11},
      {130, 40, 60}, {40, 130, 60}, {31, 600, 257}, {601, 31, 300}, {30, 641, 33},  {151, 150, 9},
      {241, 64, 90}, {64, 241, 10}, {5, 8, 5000},   {7, 7, 3200},   {13, 12, 1000}, {25, 25, 250},
      {37, 30, 140}, {49, 40, 80},  {3, 4, 5}};
  for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
    for (int form = 0; form < 4; form++)
      check_product(team, SIZES[i][0], SIZES[i][1], SIZES[i][2], form,
                    form % 3 ? HR_OVERWRITE : HR_ACCUMULATE);
  }
  for (int i = 0; i < 60; i++) {
    const int32_t m = 1 + random_below(260), n = 1 + random_below(260);
    check_product(team, m, n, 200000 / (m * n) + 1 + random_below(9), i % 4, HR_OVERWRITE);
  }
}

int main(void) {
  check_products(NULL);
  for (int32_t threads = 2; threads <= MOST_THREADS; threads++) {
    post posts[MOST_THREADS];
    hr_team *team = hr_team_create(threads);
    for (int32_t i = 1; i < threads; i++) {
      posts[i] = (post){.team = team, .thread = i};
      if (pthread_create(&posts[i].handle, NULL, serve, &posts[i]) != 0) {
        printf("a thread could not be started\n");
        return 2;
      }
    }
    check_products(team);
    hr_team_dissolve(team);
    for (int32_t i = 1; i < threads; i++) pthread_join(posts[i].handle, NULL);
    hr_team_destroy(team);
  }
  return test_report("multiply");
}
