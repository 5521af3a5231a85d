#include "pass.h"

/* Multiplications below which a product is not worth sharing. */
static const int64_t SHARED = 150000;

typedef struct shared_product {
  const hr_pass *pass;
  hr_real *c;
  int32_t c_stride;
  hr_matrix a, b;
  int32_t m, n, k;
  hr_store_mode mode;
  bool by_rows;
  int32_t step;
} shared_product;

static void multiply_part(void *context, int32_t part, int32_t thread) {
  const shared_product *product = context;
  const int32_t all = product->by_rows ? product->m : product->n;
  const int32_t begin = part * product->step;
  const int32_t count = all - begin < product->step ? all - begin : product->step;
  hr_matrix a = product->a, b = product->b;
  hr_real *c = product->c;
  if (product->by_rows) {
    a.data += (ptrdiff_t)begin * a.row;
    c += (ptrdiff_t)begin * product->c_stride;
  } else {
    b.data += (ptrdiff_t)begin * b.column;
    c += begin;
  }
  hr_matmul(c, product->c_stride, a, b, product->by_rows ? count : product->m,
            product->by_rows ? product->n : count, product->k, product->mode,
            hr_pass_scratch(product->pass, thread));
}

void hr_multiply(const hr_pass *pass, hr_real *c, int32_t c_stride, hr_matrix a, hr_matrix b, int32_t m,
                 int32_t n, int32_t k, hr_store_mode mode) {
  const int32_t threads = hr_team_threads(pass->team);
  if (threads > 1 && (int64_t)m * n * k >= SHARED) {
    shared_product product = {pass, c, c_stride, a, b, m, n, k, mode, m >= n, 0};
    /* Equal shares of whole tiles. Never a single row, which hr_matmul sums in another order than it does as part of a
     * taller matrix. */
    const int32_t all = product.by_rows ? m : n, tile = product.by_rows ? 6 : 8;
    product.step = ((all + threads - 1) / threads + tile - 1) / tile * tile;
    if (product.step < all && !(product.by_rows && all % product.step == 1)) {
      hr_team_run(pass->team, multiply_part, &product, (all + product.step - 1) / product.step);
      return;
    }
  }
  hr_matmul(c, c_stride, a, b, m, n, k, mode, pass->matmul_scratch);
}
