/* The matrix product against its plain twin, and the twin against sums in double. Nothing here knows how the product
 * is cut into tiles and blocks: sizes are chosen densely where any such edge can be. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/matmul.h"
#include "testing.h"

typedef enum form { FORWARD, GRADIENT_OF_X, GRADIENT_OF_W, BOTH_TRANSPOSED, FORMS } form;

static const char *const FORM_NAMES[] = {"A B^T", "A B", "A^T B", "A^T B^T"};

/* Strides beyond the width, and numbers in front of C so that it begins at any alignment. */
typedef struct layout {
  int32_t a_gap, b_gap, c_gap, c_front;
} layout;

typedef struct operand {
  hr_real *memory;
  hr_matrix matrix;
} operand;

static const hr_real CANARY = (hr_real)-12345.5;

/* Whole numbers, whose sums are exact in any order: the product must be right to the last bit. */
static hr_real whole(void) {
  return (hr_real)(random_below(17) - 8);
}

static hr_real real(void) {
  return (hr_real)(2 * random_uniform() - 1);
}

/* rows x columns numbers, stored as they are or transposed; gaps hold NaN, which would spoil any sum. */
static operand new_operand(int32_t rows, int32_t columns, bool transposed, int32_t gap,
                           hr_real (*draw)(void)) {
  const int32_t lines = transposed ? columns : rows, width = transposed ? rows : columns,
                stride = width + gap;
  const int64_t size = lines > 0 && width > 0 ? (int64_t)(lines - 1) * stride + width : 0;
  hr_real *memory = new_reals(size);
  for (int64_t i = 0; i < size; i++) memory[i] = i % stride < width ? draw() : (hr_real)NAN;
  return (operand){memory, transposed ? hr_transposed(memory, stride) : hr_rows(memory, stride)};
}

/* C with its front and its gaps, all of it drawn, so that what must stay can be compared. */
static hr_real *new_target(int32_t m, int32_t n, layout place, hr_real (*draw)(void), int64_t *size) {
  *size = place.c_front + (m > 0 && n > 0 ? (int64_t)(m - 1) * (n + place.c_gap) + n : 0);
  hr_real *memory = new_reals(*size);
  for (int64_t i = 0; i < *size; i++) {
    const int64_t at = i - place.c_front;
    memory[i] = at >= 0 && at % (n + place.c_gap) < n ? draw() : CANARY;
  }
  return memory;
}

static hr_real *copy(const hr_real *x, int64_t n) {
  hr_real *y = new_reals(n);
  if (n > 0) memcpy(y, x, (size_t)n * sizeof *x);
  return y;
}

static void multiply(hr_real *c, int32_t c_stride, hr_matrix a, hr_matrix b, int32_t m, int32_t n, int32_t k,
                     hr_store_mode mode) {
  hr_real *scratch = new_reals(hr_matmul_scratch(n, k));
  for (int64_t i = 0; i < hr_matmul_scratch(n, k); i++) scratch[i] = (hr_real)NAN;
  hr_matmul(c, c_stride, a, b, m, n, k, mode, scratch);
  free(scratch);
}

/* One product with whole numbers: all of C's memory must have the bits of the plain twin's. */
static void check_exact(form how, int32_t m, int32_t n, int32_t k, layout place, hr_store_mode mode) {
  const bool transposed_a = how == GRADIENT_OF_W || how == BOTH_TRANSPOSED;
  const bool transposed_b = how == FORWARD || how == BOTH_TRANSPOSED;
  operand a = new_operand(m, k, transposed_a, place.a_gap, whole);
  operand b = new_operand(k, n, transposed_b, place.b_gap, whole);
  int64_t size;
  hr_real *got = new_target(m, n, place, whole, &size);
  hr_real *expected = copy(got, size);
  multiply(got + place.c_front, n + place.c_gap, a.matrix, b.matrix, m, n, k, mode);
  hr_matmul_ref(expected + place.c_front, n + place.c_gap, a.matrix, b.matrix, m, n, k, mode);
  int64_t wrong = 0;
  while (wrong < size && got[wrong] == expected[wrong]) wrong++;
  CHECK_THAT(wrong == size, "%s, m %d n %d k %d, gaps %d %d %d, front %d, %s: number %lld is %g, expected %g",
             FORM_NAMES[how], m, n, k, place.a_gap, place.b_gap, place.c_gap, place.c_front,
             mode == HR_OVERWRITE ? "set" : "accumulate", (long long)wrong,
             wrong < size ? (double)got[wrong] : 0, wrong < size ? (double)expected[wrong] : 0);
  free(a.memory);
  free(b.memory);
  free(got);
  free(expected);
}

static layout random_layout(void) {
  return (layout){random_below(4), random_below(4), random_below(4), random_below(5)};
}

static void check_all_forms(int32_t m, int32_t n, int32_t k, layout place) {
  for (int how = 0; how < FORMS; how++) {
    check_exact((form)how, m, n, k, place, HR_OVERWRITE);
    check_exact((form)how, m, n, k, place, HR_ACCUMULATE);
  }
}

/* Every small size: whatever the tile, all its edges and corners are among these. */
static void test_small(void) {
  static const int32_t DEPTHS[] = {0, 1, 2, 3, 4, 7, 13};
  for (int32_t m = 0; m <= 17; m++) {
    for (int32_t n = 0; n <= 26; n++) {
      for (size_t i = 0; i < sizeof DEPTHS / sizeof *DEPTHS; i++) {
        const bool plain = (m + n + (int32_t)i) % 2;
        check_all_forms(m, n, DEPTHS[i], plain ? (layout){0, 0, 0, 0} : random_layout());
      }
    }
  }
}

/* Around the powers of two, where blocks end, one dimension at a time and then several. */
static void test_edges(void) {
  static const int32_t EDGES[] = {31,  32,  33,  47,  63,  64,  65,  97,  127, 128,  129,
                                  191, 255, 256, 257, 383, 511, 512, 513, 769, 1023, 1025};
  for (size_t i = 0; i < sizeof EDGES / sizeof *EDGES; i++) {
    check_all_forms(EDGES[i], 9, 5, random_layout());
    check_all_forms(6, EDGES[i], 7, random_layout());
    check_all_forms(7, 11, EDGES[i], random_layout());
  }
  static const int32_t LONG[][3] = {{3, 513, 257}, {13, 1025, 255}, {5, 520, 513},  {65, 17, 769},
                                    {129, 257, 3}, {12, 511, 512},  {33, 1030, 31}, {1, 1537, 300}};
  for (size_t i = 0; i < sizeof LONG / sizeof *LONG; i++) {
    check_all_forms(LONG[i][0], LONG[i][1], LONG[i][2], random_layout());
  }
}

/* A single row, as generation has it, may go its own way. */
static void test_single_row(void) {
  for (int32_t n = 0; n <= 41; n++) {
    for (int32_t k = 0; k <= 41; k += 1 + n % 3) check_all_forms(1, n, k, random_layout());
  }
}

static void test_random_sizes(void) {
  for (int i = 0; i < 300; i++) {
    check_all_forms(1 + random_below(40), 1 + random_below(70), 1 + random_below(90), random_layout());
  }
}

/* Scratch may have been asked for a larger product: hr_matmul_scratch speaks of "at most these sizes". */
static void test_scratch_grows(void) {
  static const int32_t SIZES[] = {0, 1, 7, 8, 9, 64, 255, 256, 257, 512, 513, 2000};
  enum { COUNT = sizeof SIZES / sizeof *SIZES };
  for (int i = 0; i < COUNT; i++) {
    for (int j = 1; j < COUNT; j++) {
      CHECK(hr_matmul_scratch(SIZES[i], SIZES[j]) >= hr_matmul_scratch(SIZES[i], SIZES[j - 1]));
      CHECK(hr_matmul_scratch(SIZES[j], SIZES[i]) >= hr_matmul_scratch(SIZES[j - 1], SIZES[i]));
    }
  }
}

/* Real numbers: both the product and its plain twin against sums in double, within the error of k additions. */
static void test_accuracy(void) {
  static const int32_t SIZES[][3] = {{5, 9, 1}, {7, 13, 64}, {11, 6, 257}, {4, 19, 1000}, {3, 5, 4099}};
  for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
    const int32_t m = SIZES[i][0], n = SIZES[i][1], k = SIZES[i][2];
    operand a = new_operand(m, k, i % 2, 0, real), b = new_operand(k, n, i % 3 == 0, 0, real);
    hr_real *fast = new_reals(m * n), *plain = new_reals(m * n);
    multiply(fast, n, a.matrix, b.matrix, m, n, k, HR_OVERWRITE);
    hr_matmul_ref(plain, n, a.matrix, b.matrix, m, n, k, HR_OVERWRITE);
    test_context("accuracy, k %d", k);
    for (int32_t at = 0; at < m * n; at++) {
      double sum = 0, size = 0;
      for (int32_t p = 0; p < k; p++) {
        const double term = (double)a.matrix.data[at / n * a.matrix.row + p * a.matrix.column] *
                            (double)b.matrix.data[p * b.matrix.row + at % n * b.matrix.column];
        sum += term;
        size += fabs(term);
      }
      /* Errors of random signs: sqrt(k) of them, of half a unit of what has been added up. */
      const double tolerance = 0x1p-24 * (2 + 2 * sqrt((double)k)) * (size / sqrt((double)k) + fabs(sum));
      CHECK_NEAR(fast[at], sum, tolerance);
      CHECK_NEAR(plain[at], sum, tolerance);
    }
    free(a.memory);
    free(b.memory);
    free(fast);
    free(plain);
  }
  test_context("%s", "");
}

/* A line of numbers with a stride beyond its length, whichever way it is stored. */
static operand spread_out(const hr_real *from, int32_t rows, int32_t columns, bool transposed) {
  operand to = new_operand(rows, columns, transposed, 1 + random_below(3), real);
  for (int32_t i = 0; i < rows * columns; i++)
    to.memory[i / columns * to.matrix.row + i % columns * to.matrix.column] = from[i];
  return to;
}

/* The order of a sum depends on the sizes alone: strides and alignment change no bit, and neither does the form of
 * storage, but that a single row has a way of its own for each form. */
static void test_same_bits(void) {
  static const int32_t SIZES[][3] = {{6, 8, 16}, {13, 21, 300}, {3, 530, 70}, {2, 33, 520}, {1, 33, 520}};
  for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
    const int32_t m = SIZES[i][0], n = SIZES[i][1], k = SIZES[i][2];
    hr_real *a = new_reals((int64_t)m * k), *b = new_reals((int64_t)k * n);
    hr_real *expected = new_reals((int64_t)m * n);
    for (int32_t j = 0; j < m * k; j++) a[j] = real();
    for (int32_t j = 0; j < k * n; j++) b[j] = real();
    for (int variant = 0; variant < 24; variant++) {
      const bool turn_a = variant / 6 & 1, turn_b = variant / 12,
                 first = m == 1 ? variant % 6 == 0 : variant == 0;
      const layout place = random_layout();
      operand other_a = spread_out(a, m, k, turn_a), other_b = spread_out(b, k, n, turn_b);
      int64_t size;
      hr_real *c = new_target(m, n, place, real, &size);
      multiply(c + place.c_front, n + place.c_gap, other_a.matrix, other_b.matrix, m, n, k, HR_OVERWRITE);
      bool same = true;
      for (int32_t row = 0; row < m; row++) {
        const hr_real *line = c + place.c_front + (ptrdiff_t)row * (n + place.c_gap);
        if (first) memcpy(expected + (ptrdiff_t)row * n, line, (size_t)n * sizeof *line);
        same = same && same_bits(line, expected + (ptrdiff_t)row * n, n);
      }
      CHECK_THAT(same, "the same bits for %d x %d x %d, A %s, B %s, gap %d, front %d", m, n, k,
                 turn_a ? "turned" : "plain", turn_b ? "turned" : "plain", place.c_gap, place.c_front);
      free(other_a.memory);
      free(other_b.memory);
      free(c);
    }
    free(a);
    free(b);
    free(expected);
  }
}

/* A product whose numbers are not finite must say so: divergence is found by looking at results. */
static void test_not_finite(void) {
  const int32_t m = 7, n = 19, k = 37;
  operand a = new_operand(m, k, false, 0, real), b = new_operand(k, n, true, 0, real);
  hr_real *c = new_reals(m * n);
  a.memory[3 * k + 5] = (hr_real)NAN;
  multiply(c, n, a.matrix, b.matrix, m, n, k, HR_OVERWRITE);
  for (int32_t i = 0; i < m * n; i++) {
    CHECK_THAT(!isnan(c[i]) == (i / n != 3), "a NaN in row 3 of A reaches row 3 of C alone, not row %d",
               i / n);
  }
  free(a.memory);
  free(b.memory);
  free(c);
}

int main(void) {
  test_small();
  test_edges();
  test_single_row();
  test_random_sizes();
  test_scratch_grows();
  test_accuracy();
  test_same_bits();
  test_not_finite();
  return test_report("matmul");
}
