#include "pool.h"

void hr_pool_plan(hr_pool *self, hr_arena *arena, int32_t batch, int32_t d) {
  self->d = d;
  if (!self->last) return;
  self->rows = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, batch, d);
  self->drows = hr_arena_reals(arena, HR_MEMORY_SCRATCH, batch, d);
}

int32_t hr_pool_count(const hr_pool *self, int32_t batch, int32_t n) {
  return self->last ? batch : n;
}

/* Where the last token of stream b stands in [N,D]. */
static ptrdiff_t last_of(const hr_pool *self, const hr_pass *pass, int32_t b) {
  const hr_stream stream = hr_pass_stream(pass, b);
  return (ptrdiff_t)(stream.begin + stream.count - 1) * self->d;
}

const hr_real *hr_pool_forward(hr_pool *self, const hr_real *x, const hr_pass *pass) {
  if (!self->last) return x;
  const size_t bytes = (size_t)self->d * sizeof *x;
  for (int32_t b = 0; b < pass->segment.batch; b++)
    memcpy(self->rows + (ptrdiff_t)b * self->d, x + last_of(self, pass, b), bytes);
  return self->rows;
}

hr_real *hr_pool_gradient(hr_pool *self, hr_real *dx) {
  return self->last ? self->drows : dx;
}

void hr_pool_backward(hr_pool *self, hr_real *dx, const hr_pass *pass) {
  if (!self->last) return;
  const size_t bytes = (size_t)self->d * sizeof *dx;
  memset(dx, 0, (size_t)hr_pass_tokens(pass) * bytes);
  for (int32_t b = 0; b < pass->segment.batch; b++)
    memcpy(dx + last_of(self, pass, b), self->drows + (ptrdiff_t)b * self->d, bytes);
}
