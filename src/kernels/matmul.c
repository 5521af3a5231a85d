#include "kernels/matmul.h"

#include <stddef.h>

/* Both operands are packed into panels that the inner kernel reads from front to back: A in panels of TILE_ROWS rows
 * (k-major), B in panels of TILE_COLUMNS columns (k-major), zeros past the edges. The tile of C stays in registers.
 * x64 has 16 vector registers of which V8 keeps one: the fused kernel holds 12 sums, 2 of B and 1 of A; multiply
 * and add apart need one more for the product, so their tile is a row lower. */
#if defined(HR_RELAXED_SIMD)
#define TILE_ROWS 6
#else
#define TILE_ROWS 5
#endif
#define TILE_VECTORS 2
#define TILE_COLUMNS (TILE_VECTORS * HR_LANES)
/* Block of k: a panel of A and one of B fit in the first-level cache together. */
#define BLOCK_K 256
/* Block of columns: the packed block of B fits in the second-level cache. */
#define BLOCK_COLUMNS 512

static int32_t smaller(int32_t a, int32_t b) {
  return a < b ? a : b;
}

int64_t hr_matmul_scratch(int64_t n, int64_t k) {
  int64_t depth = k < BLOCK_K ? k : BLOCK_K;
  int64_t width = n < BLOCK_COLUMNS ? n : BLOCK_COLUMNS;
  width = (width + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
  return depth * (width + TILE_ROWS);
}

/* packed [k, width] from count <= width lines of k numbers; number p of line i is source[i * line + p * step]. */
static void pack_panel(hr_real *restrict packed, const hr_real *source, ptrdiff_t line, ptrdiff_t step,
                       int32_t count, int32_t width, int32_t k) {
  if (count == width && line == 1) {
    for (int32_t p = 0; p < k; p++)
      memcpy(packed + (ptrdiff_t)p * width, source + p * step, (size_t)width * sizeof(hr_real));
    return;
  }
  for (int32_t i = 0; i < width; i++) {
    if (i < count) {
      const hr_real *from = source + i * line;
      for (int32_t p = 0; p < k; p++) packed[(ptrdiff_t)p * width + i] = from[p * step];
    } else {
      for (int32_t p = 0; p < k; p++) packed[(ptrdiff_t)p * width + i] = 0;
    }
  }
}

/* Tile of C from a panel of A and one of B. `rows` and `columns` say how much of the tile lies inside C. */
static void multiply_tile(hr_real *restrict c, ptrdiff_t c_stride, const hr_real *restrict a,
                          const hr_real *restrict b, int32_t k, int32_t rows, int32_t columns,
                          hr_store_mode mode) {
  hr_vec sums[TILE_ROWS][TILE_VECTORS];
  for (int i = 0; i < TILE_ROWS; i++) {
    for (int j = 0; j < TILE_VECTORS; j++) sums[i][j] = hr_splat(0);
  }
  for (int32_t p = 0; p < k; p++) {
    hr_vec b0 = hr_load(b), b1 = hr_load(b + HR_LANES);
#pragma GCC unroll 8
    for (int i = 0; i < TILE_ROWS; i++) {
      hr_vec ai = hr_splat(a[i]);
      sums[i][0] = hr_madd(ai, b0, sums[i][0]);
      sums[i][1] = hr_madd(ai, b1, sums[i][1]);
    }
    a += TILE_ROWS;
    b += TILE_COLUMNS;
  }
  if (rows == TILE_ROWS && columns == TILE_COLUMNS) {
#pragma GCC unroll 8
    for (int i = 0; i < TILE_ROWS; i++) {
      hr_real *row = c + i * c_stride;
      if (mode == HR_ACCUMULATE) {
        sums[i][0] += hr_load(row);
        sums[i][1] += hr_load(row + HR_LANES);
      }
      hr_store(row, sums[i][0]);
      hr_store(row + HR_LANES, sums[i][1]);
    }
    return;
  }
  hr_real edge[TILE_ROWS][TILE_COLUMNS];
#pragma GCC unroll 8
  for (int i = 0; i < TILE_ROWS; i++) {
    hr_store(edge[i], sums[i][0]);
    hr_store(edge[i] + HR_LANES, sums[i][1]);
  }
  for (int32_t i = 0; i < rows; i++) {
    hr_real *row = c + i * c_stride;
    for (int32_t j = 0; j < columns; j++) row[j] = mode == HR_ACCUMULATE ? row[j] + edge[i][j] : edge[i][j];
  }
}

void hr_matmul(hr_real *restrict c, int32_t c_stride, hr_matrix a, hr_matrix b, int32_t m, int32_t n,
               int32_t k, hr_store_mode mode, hr_real *restrict scratch) {
  if (k == 0 && mode == HR_SET) {
    for (int32_t i = 0; i < m; i++) memset(c + (ptrdiff_t)i * c_stride, 0, (size_t)n * sizeof *c);
  }
  for (int32_t k0 = 0; k0 < k; k0 += BLOCK_K) {
    int32_t depth = smaller(BLOCK_K, k - k0);
    hr_store_mode block_mode = k0 == 0 ? mode : HR_ACCUMULATE;
    hr_real *packed_a = scratch, *packed_b = scratch + (ptrdiff_t)depth * TILE_ROWS;
    for (int32_t n0 = 0; n0 < n; n0 += BLOCK_COLUMNS) {
      int32_t n1 = smaller(n, n0 + BLOCK_COLUMNS);
      for (int32_t j = n0; j < n1; j += TILE_COLUMNS) {
        pack_panel(packed_b + (ptrdiff_t)(j - n0) * depth,
                   b.data + (ptrdiff_t)k0 * b.row + (ptrdiff_t)j * b.column, b.column, b.row,
                   smaller(TILE_COLUMNS, n1 - j), TILE_COLUMNS, depth);
      }
      for (int32_t i = 0; i < m; i += TILE_ROWS) {
        int32_t rows = smaller(TILE_ROWS, m - i);
        pack_panel(packed_a, a.data + (ptrdiff_t)i * a.row + (ptrdiff_t)k0 * a.column, a.row, a.column, rows,
                   TILE_ROWS, depth);
        for (int32_t j = n0; j < n1; j += TILE_COLUMNS) {
          multiply_tile(c + (ptrdiff_t)i * c_stride + j, c_stride, packed_a,
                        packed_b + (ptrdiff_t)(j - n0) * depth, depth, rows, smaller(TILE_COLUMNS, n1 - j),
                        block_mode);
        }
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
