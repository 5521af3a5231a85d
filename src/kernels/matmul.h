/* Matrix products for the three forms that training needs, from one kernel: an operand is seen through its strides.
 *
 *   forward          Y[m,n]  = X[m,k] W[n,k]^T     hr_matmul(y, n, hr_rows(x, k), hr_transposed(w, k), m, n, k, ...)
 *   gradient of X    dX[m,k] = dY[m,n] W[n,k]      hr_matmul(dx, k, hr_rows(dy, n), hr_rows(w, k), m, k, n, ...)
 *   gradient of W    dW[n,k] = dY[m,n]^T X[m,k]    hr_matmul(dw, k, hr_transposed(dy, n), hr_rows(x, k), n, k, m, ...)
 */
#ifndef HR_KERNELS_MATMUL_H
#define HR_KERNELS_MATMUL_H

#include "base/real.h"

/* Element (i, j) is data[i * row + j * column]; one of the two strides is 1. */
typedef struct hr_matrix {
  const hr_real *data;
  int32_t row;
  int32_t column;
} hr_matrix;

/* A matrix as it is stored, with rows `stride` apart. */
static inline hr_matrix hr_rows(const hr_real *data, int32_t stride) {
  return (hr_matrix){data, stride, 1};
}

/* The transpose of a matrix stored with rows `stride` apart. */
static inline hr_matrix hr_transposed(const hr_real *data, int32_t stride) {
  return (hr_matrix){data, 1, stride};
}

typedef enum hr_store_mode { HR_OVERWRITE, HR_ACCUMULATE } hr_store_mode;

/* Reals that hr_matmul needs as scratch for any product of at most these sizes. */
int64_t hr_matmul_scratch(int64_t n, int64_t k);

/* C[m,n] = (or +=) A[m,k] B[k,n]; rows of C are c_stride apart. Sums run over k in ascending order, in blocks, but for
 * a single row of an A stored by rows, which is summed by vectors: their order depends on sizes and strides alone. m or
 * n may be 0; k = 0 sets 0. */
void hr_matmul(hr_real *restrict c, int32_t c_stride, hr_matrix a, hr_matrix b, int32_t m, int32_t n,
               int32_t k, hr_store_mode mode, hr_real *restrict scratch);

/* The same by three plain loops: what the tests hold hr_matmul against, and what a reader should read first. */
void hr_matmul_ref(hr_real *c, int32_t c_stride, hr_matrix a, hr_matrix b, int32_t m, int32_t n, int32_t k,
                   hr_store_mode mode);

#endif
