#include "kernels/matmul.h"

#include <stdbool.h>

/* Both operands are packed into panels that the inner loop reads from front to back: A in panels of up to TILE_ROWS
 * rows, B in panels of TILE_COLUMNS columns, both k-major. A tile of C stays in registers for the whole sum. An
 * operand whose numbers for one k already stand side by side is read where it is if packing would cost more than it
 * gains.
 *
 * x64 leaves V8 fifteen vector registers. A fused tile of 6 rows needs 12 sums, 2 of B and 1 of A. Multiplying and
 * adding apart needs one more for the product; with a tile of 6 one sum would be spilled, and its way through memory
 * would set the pace: 5 rows. */
#if defined(HR_RELAXED_SIMD)
#define TILE_ROWS 6
#else
#define TILE_ROWS 5
#endif
#define TILE_COLUMNS (2 * HR_LANES)
/* A block of k for which a panel of A and one of B fit in the first-level cache together. */
#define BLOCK_K 256
/* Columns for which the packed block of B fits in the second-level cache. */
#define BLOCK_COLUMNS 512
/* Where packing does not pay: B for few rows of A, A for few columns of B or a small B. Lines that are not near
 * each other fall into few sets of the first-level cache and drive each other out: A has fewer of them. */
#define FEW_ROWS (4 * TILE_ROWS)
#define NEAR_ROWS 128
#define FEW_COLUMNS (2 * TILE_COLUMNS)
#define SMALL_B 2048
#define NEAR_COLUMNS 256

/* Functions that are kept apart: inlined into one, the inner loops lose their registers to what surrounds them. */
#define APART static __attribute__((noinline))
/* Functions made for one constant. */
#define FOR_CONSTANT static inline __attribute__((always_inline))

static int32_t smaller(int32_t a, int32_t b) {
  return a < b ? a : b;
}

int64_t hr_matmul_scratch(int64_t n, int64_t k) {
  int64_t depth = k < BLOCK_K ? k : BLOCK_K;
  int64_t width = n < BLOCK_COLUMNS ? n : BLOCK_COLUMNS;
  width = (width + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
  return depth * (width + TILE_ROWS);
}

/* ----------------------------------------------------------------------------------------------- packing */

/* Transposes a square of vectors in place. */
static inline void transpose(hr_vec v[HR_LANES]) {
#ifdef HR_REAL_DOUBLE
  const hr_vec a = v[0], b = v[1];
  v[0] = __builtin_shufflevector(a, b, 0, 2);
  v[1] = __builtin_shufflevector(a, b, 1, 3);
#else
  const hr_vec a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
  const hr_vec b = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
  const hr_vec c = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
  const hr_vec d = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
  v[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  v[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  v[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  v[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
#endif
}

#ifndef HR_REAL_DOUBLE
/* Stores the lower (0) or upper (1) half of a vector. */
static inline void store_pair(hr_real *to, hr_vec v, int half) {
  typedef int64_t pairs __attribute__((vector_size(16)));
  const int64_t pair = ((pairs)v)[half];
  memcpy(to, &pair, sizeof pair);
}
#endif

/* packed [k,width] from `width` lines of k numbers; number p of line i is source[i * line + p]. */
FOR_CONSTANT void pack_transposed(hr_real *restrict packed, const hr_real *restrict source, ptrdiff_t line,
                                  int32_t k, const int width) {
  int32_t p = 0;
  for (; p + HR_LANES <= k; p += HR_LANES) {
    int i = 0;
#pragma GCC unroll 4
    for (; i + HR_LANES <= width; i += HR_LANES) {
      hr_vec square[HR_LANES];
#pragma GCC unroll 4
      for (int j = 0; j < HR_LANES; j++) square[j] = hr_load(source + (i + j) * line + p);
      transpose(square);
#pragma GCC unroll 4
      for (int j = 0; j < HR_LANES; j++) hr_store(packed + (ptrdiff_t)(p + j) * width + i, square[j]);
    }
#ifndef HR_REAL_DOUBLE
    if (i + 2 <= width) {
      /* Two lines: their numbers go by pairs. */
      const hr_vec v0 = hr_load(source + i * line + p), v1 = hr_load(source + (i + 1) * line + p);
      const hr_vec low = __builtin_shufflevector(v0, v1, 0, 4, 1, 5),
                   high = __builtin_shufflevector(v0, v1, 2, 6, 3, 7);
      hr_real *to = packed + (ptrdiff_t)p * width + i;
      store_pair(to, low, 0);
      store_pair(to + width, low, 1);
      store_pair(to + 2 * width, high, 0);
      store_pair(to + 3 * width, high, 1);
      i += 2;
    }
#endif
#pragma GCC unroll 4
    for (; i < width; i++) {
      const hr_vec v = hr_load(source + i * line + p);
#pragma GCC unroll 4
      for (int j = 0; j < HR_LANES; j++) packed[(ptrdiff_t)(p + j) * width + i] = v[j];
    }
  }
  for (; p < k; p++) {
    for (int i = 0; i < width; i++) packed[(ptrdiff_t)p * width + i] = source[i * line + p];
  }
}

/* packed [k,width]; number p of line i is source[i + p * step]. Several panels at a time, `panel` apart, since they
 * stand in the same cache lines of the source. */
FOR_CONSTANT void pack_straight(hr_real *restrict packed, const hr_real *restrict source, ptrdiff_t step,
                                int32_t k, const int width, const int panels, ptrdiff_t panel) {
  for (int32_t p = 0; p < k; p++, packed += width, source += step) {
#pragma GCC unroll 4
    for (int j = 0; j < panels; j++) {
      int i = 0;
#pragma GCC unroll 4
      for (; i + HR_LANES <= width; i += HR_LANES)
        hr_store(packed + j * panel + i, hr_load(source + j * width + i));
#pragma GCC unroll 4
      for (; i < width; i++) packed[j * panel + i] = source[j * width + i];
    }
  }
}

APART void pack_columns_transposed(hr_real *restrict packed, const hr_real *source, ptrdiff_t line,
                                   int32_t k) {
  pack_transposed(packed, source, line, k, TILE_COLUMNS);
}

APART void pack_columns_straight(hr_real *restrict packed, const hr_real *source, ptrdiff_t step, int32_t k) {
  pack_straight(packed, source, step, k, TILE_COLUMNS, 1, 0);
}

APART void pack_four_panels(hr_real *restrict packed, const hr_real *source, ptrdiff_t step, int32_t k) {
  pack_straight(packed, source, step, k, TILE_COLUMNS, 4, (ptrdiff_t)k * TILE_COLUMNS);
}

/* The last, narrower panel of B: zeros past its edge. */
APART void pack_edge(hr_real *restrict packed, hr_matrix lines, int32_t k, int32_t count) {
  for (int32_t p = 0; p < k; p++) {
    for (int32_t i = 0; i < TILE_COLUMNS; i++) {
      packed[p * TILE_COLUMNS + i] =
          i < count ? lines.data[(ptrdiff_t)i * lines.row + (ptrdiff_t)p * lines.column] : 0;
    }
  }
}

/* Whether packing pays; a matrix that is stored the other way round must be packed. */
static bool packs_a(hr_matrix a, int32_t n, int32_t k) {
  if (a.column == 1) return true;
  return n > FEW_COLUMNS && ((int64_t)n * k > SMALL_B || a.column > NEAR_COLUMNS);
}

static bool packs_b(hr_matrix b, int32_t m) {
  if (b.row == 1) return true;
  return m > TILE_ROWS && (m > FEW_ROWS || b.row > NEAR_ROWS);
}

/* B as tiles read it: each panel begins `panel` after the one before, its rows are `row` apart. */
typedef struct b_panels {
  const hr_real *data;
  ptrdiff_t panel, row;
  const hr_real *edge; /* the last, narrower panel, always packed */
} b_panels;

/* b [k,n] where it is, but for its edge. */
static b_panels leave_b(hr_real *restrict packed, hr_matrix b, int32_t n, int32_t k) {
  const int32_t whole = n / TILE_COLUMNS * TILE_COLUMNS;
  if (whole < n) pack_edge(packed, (hr_matrix){b.data + whole, b.column, b.row}, k, n - whole);
  return (b_panels){b.data, TILE_COLUMNS, b.row, packed};
}

static b_panels pack_b(hr_real *restrict packed, hr_matrix b, int32_t n, int32_t k) {
  int32_t j = 0;
  if (b.row == 1) {
    for (; j + TILE_COLUMNS <= n; j += TILE_COLUMNS) {
      pack_columns_transposed(packed + (ptrdiff_t)j * k, b.data + (ptrdiff_t)j * b.column, b.column, k);
    }
  } else {
    for (; j + 4 * TILE_COLUMNS <= n; j += 4 * TILE_COLUMNS) {
      pack_four_panels(packed + (ptrdiff_t)j * k, b.data + j, b.row, k);
    }
    for (; j + TILE_COLUMNS <= n; j += TILE_COLUMNS) {
      pack_columns_straight(packed + (ptrdiff_t)j * k, b.data + j, b.row, k);
    }
  }
  hr_real *edge = packed + (ptrdiff_t)j * k;
  if (j < n) pack_edge(edge, (hr_matrix){b.data + (ptrdiff_t)j * b.column, b.column, b.row}, k, n - j);
  return (b_panels){packed, (ptrdiff_t)k * TILE_COLUMNS, TILE_COLUMNS, edge};
}

/* ------------------------------------------------------------------------------------------- multiplying */

/* c [rows,TILE_COLUMNS] = (or +=) the product of a panel of A and one of B. The loop is not unrolled over k: V8 would
 * hold more loads in registers than there are. Nor do the sums begin with what is in C: V8 11 would spill them. */
FOR_CONSTANT void multiply_tile(hr_real *restrict c, ptrdiff_t c_stride, const hr_real *restrict a,
                                ptrdiff_t a_column, const hr_real *restrict b, ptrdiff_t b_row, int32_t k,
                                hr_store_mode mode, const int rows) {
  hr_vec sums[TILE_ROWS][2];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) sums[i][0] = sums[i][1] = hr_splat(0);
  /* No counter: what x64 can dispatch in a cycle is used up here, when products and sums are apart. */
  const hr_real *const end = b + (ptrdiff_t)k * b_row;
#pragma GCC unroll 1
  while (b != end) {
    /* Opaque, or LLVM makes several pointers of each, goes through the tile column by column, and holds the numbers of all
     * rows of A for that. */
    __asm__("" : "+r"(a), "+r"(b));
    const hr_vec b0 = hr_load(b), b1 = hr_load(b + HR_LANES);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      const hr_vec a_i = hr_splat(a[i]);
      sums[i][0] = hr_madd(a_i, b0, sums[i][0]);
      sums[i][1] = hr_madd(a_i, b1, sums[i][1]);
    }
    a += a_column;
    b += b_row;
  }
  if (mode == HR_ACCUMULATE) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      hr_real *c_i = c + i * c_stride;
      sums[i][0] += hr_load(c_i);
      sums[i][1] += hr_load(c_i + HR_LANES);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) {
    hr_store(c + i * c_stride, sums[i][0]);
    hr_store(c + i * c_stride + HR_LANES, sums[i][1]);
  }
}

/* For each height of a tile: the last rows of a product must not cost what a full tile does. */
#define TILE_OF(rows)                                                                                        \
  APART void tile_##rows(hr_real *restrict c, ptrdiff_t c_stride, const hr_real *restrict a,                 \
                         ptrdiff_t a_column, const hr_real *restrict b, ptrdiff_t b_row, int32_t k,          \
                         hr_store_mode mode) {                                                               \
    multiply_tile(c, c_stride, a, a_column, b, b_row, k, mode, rows);                                        \
  }                                                                                                          \
  APART void tiles_##rows(hr_real *restrict c, ptrdiff_t c_stride, const hr_real *restrict a,                \
                          ptrdiff_t a_column, const hr_real *restrict b, ptrdiff_t b_row, ptrdiff_t b_panel, \
                          int32_t panels, int32_t k, hr_store_mode mode) {                                   \
    for (; panels > 0; panels--, c += TILE_COLUMNS, b += b_panel)                                            \
      tile_##rows(c, c_stride, a, a_column, b, b_row, k, mode);                                              \
  }                                                                                                          \
  APART void pack_rows_##rows(hr_real *restrict packed, hr_matrix lines, int32_t k) {                        \
    if (lines.column == 1) {                                                                                 \
      pack_transposed(packed, lines.data, lines.row, k, rows);                                               \
    } else {                                                                                                 \
      pack_straight(packed, lines.data, lines.column, k, rows, 1, 0);                                        \
    }                                                                                                        \
  }
TILE_OF(1)
TILE_OF(2)
TILE_OF(3)
TILE_OF(4)
TILE_OF(5)
#if TILE_ROWS == 6
TILE_OF(6)
#endif

typedef void tile_function(hr_real *restrict c, ptrdiff_t c_stride, const hr_real *restrict a,
                           ptrdiff_t a_column, const hr_real *restrict b, ptrdiff_t b_row, ptrdiff_t b_panel,
                           int32_t panels, int32_t k, hr_store_mode mode);
typedef void pack_function(hr_real *restrict packed, hr_matrix lines, int32_t k);

static const struct {
  tile_function *multiply;
  pack_function *pack;
} TILES[TILE_ROWS] = {
    {tiles_1, pack_rows_1}, {tiles_2, pack_rows_2}, {tiles_3, pack_rows_3},
    {tiles_4, pack_rows_4}, {tiles_5, pack_rows_5},
#if TILE_ROWS == 6
    {tiles_6, pack_rows_6},
#endif
};

/* c [rows,n] = (or +=) a panel of A times all panels of B. */
static void multiply_panel(hr_real *restrict c, ptrdiff_t c_stride, const hr_real *restrict a,
                           ptrdiff_t a_column, b_panels b, int32_t rows, int32_t n, int32_t k,
                           hr_store_mode mode) {
  tile_function *const multiply = TILES[rows - 1].multiply;
  const int32_t whole = n / TILE_COLUMNS, j = whole * TILE_COLUMNS;
  multiply(c, c_stride, a, a_column, b.data, b.row, b.panel, whole, k, mode);
  if (j == n) return;
  hr_real edge[TILE_ROWS * TILE_COLUMNS];
  multiply(edge, TILE_COLUMNS, a, a_column, b.edge, TILE_COLUMNS, 0, 1, k, HR_OVERWRITE);
  for (int32_t i = 0; i < rows; i++) {
    for (int32_t l = 0; l < n - j; l++) {
      hr_real *at = c + i * c_stride + j + l;
      *at = mode == HR_ACCUMULATE ? *at + edge[i * TILE_COLUMNS + l] : edge[i * TILE_COLUMNS + l];
    }
  }
}

/* One row, as in generation: packing B would cost more than using it once. c [n] = (or +=) a [k] B, where the columns
 * of B are lines in memory. */
static void multiply_row_by_lines(hr_real *restrict c, const hr_real *restrict a,
                                  const hr_real *restrict lines, ptrdiff_t line, int32_t n, int32_t k,
                                  hr_store_mode mode) {
  const int32_t whole = k / HR_LANES * HR_LANES;
  for (int32_t j = 0; j < n; j += HR_LANES) {
    const int32_t count = smaller(HR_LANES, n - j);
    /* Past the edge the last line stands in, so that no number is read from beyond B. */
    const hr_real *b[HR_LANES];
    hr_vec sums[HR_LANES];
#pragma GCC unroll 4
    for (int32_t i = 0; i < HR_LANES; i++) {
      b[i] = lines + (ptrdiff_t)(j + smaller(i, count - 1)) * line;
      sums[i] = hr_splat(0);
    }
    for (int32_t p = 0; p < whole; p += HR_LANES) {
      const hr_vec a_p = hr_load(a + p);
#pragma GCC unroll 4
      for (int32_t i = 0; i < HR_LANES; i++) sums[i] = hr_madd(a_p, hr_load(b[i] + p), sums[i]);
    }
    for (int32_t i = 0; i < count; i++) {
      hr_real sum = hr_sum_lanes(sums[i]);
      for (int32_t p = whole; p < k; p++) sum += a[p] * b[i][p];
      c[j + i] = mode == HR_ACCUMULATE ? c[j + i] + sum : sum;
    }
  }
}

/* The same where the rows of B are lines in memory. */
static void multiply_row_by_rows(hr_real *restrict c, const hr_real *restrict a, const hr_real *restrict rows,
                                 ptrdiff_t row, int32_t n, int32_t k, hr_store_mode mode) {
  if (mode == HR_OVERWRITE) memset(c, 0, (size_t)n * sizeof *c);
  for (int32_t p = 0; p < k; p++) {
    const hr_real *b = rows + p * row;
    const hr_vec a_p = hr_splat(a[p]);
    int32_t j = 0;
    for (; j + HR_LANES <= n; j += HR_LANES) hr_store(c + j, hr_madd(a_p, hr_load(b + j), hr_load(c + j)));
    for (; j < n; j++) c[j] += a[p] * b[j];
  }
}

void hr_matmul(hr_real *restrict c, int32_t c_stride, hr_matrix a, hr_matrix b, int32_t m, int32_t n,
               int32_t k, hr_store_mode mode, hr_real *restrict scratch) {
  if (k == 0 && mode == HR_OVERWRITE) {
    for (int32_t i = 0; i < m; i++) memset(c + (ptrdiff_t)i * c_stride, 0, (size_t)n * sizeof *c);
  }
  if (m == 1 && a.column == 1) {
    if (b.row == 1) {
      multiply_row_by_lines(c, a.data, b.data, b.column, n, k, mode);
    } else {
      multiply_row_by_rows(c, a.data, b.data, b.row, n, k, mode);
    }
    return;
  }
  for (int32_t k0 = 0; k0 < k; k0 += BLOCK_K) {
    const int32_t depth = smaller(BLOCK_K, k - k0);
    const hr_store_mode block_mode = k0 == 0 ? mode : HR_ACCUMULATE;
    hr_real *packed_a = scratch, *packed_b = scratch + (ptrdiff_t)depth * TILE_ROWS;
    for (int32_t n0 = 0; n0 < n; n0 += BLOCK_COLUMNS) {
      const int32_t width = smaller(BLOCK_COLUMNS, n - n0);
      const hr_matrix block = {b.data + (ptrdiff_t)k0 * b.row + (ptrdiff_t)n0 * b.column, b.row, b.column};
      const b_panels panels_b = (packs_b(b, m) ? pack_b : leave_b)(packed_b, block, width, depth);
      /* Panels of nearly the same height: a low one is slow, since it loads as much of B as a full one. */
      const int32_t panels = (m + TILE_ROWS - 1) / TILE_ROWS, low = panels ? m / panels : 0;
      const int32_t begin_of_low = (m - low * panels) * (low + 1);
      const bool pack_a = packs_a(a, n, k);
      for (int32_t i = 0, rows; i < m; i += rows) {
        rows = i < begin_of_low ? low + 1 : low;
        const hr_matrix lines = {a.data + (ptrdiff_t)i * a.row + (ptrdiff_t)k0 * a.column, a.row, a.column};
        if (pack_a) TILES[rows - 1].pack(packed_a, lines, depth);
        multiply_panel(c + (ptrdiff_t)i * c_stride + n0, c_stride, pack_a ? packed_a : lines.data,
                       pack_a ? rows : lines.column, panels_b, rows, width, depth, block_mode);
      }
    }
  }
}

void hr_matmul_ref(hr_real *c, int32_t c_stride, hr_matrix a, hr_matrix b, int32_t m, int32_t n, int32_t k,
                   hr_store_mode mode) {
  for (int32_t i = 0; i < m; i++) {
    for (int32_t j = 0; j < n; j++) {
      hr_real sum = 0;
      for (int32_t p = 0; p < k; p++) {
        sum += a.data[(ptrdiff_t)i * a.row + (ptrdiff_t)p * a.column] *
               b.data[(ptrdiff_t)p * b.row + (ptrdiff_t)j * b.column];
      }
      hr_real *out = c + (ptrdiff_t)i * c_stride + j;
      *out = mode == HR_ACCUMULATE ? *out + sum : sum;
    }
  }
}
