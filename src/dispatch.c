#include "dispatch.h"

void hr_dispatch_plan(hr_dispatch *self, hr_arena *arena, int32_t experts, int64_t most) {
  self->experts = experts;
  self->counts = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, experts, 1);
  self->offsets = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, (int64_t)experts + 1, 1);
  self->token = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, most, 1);
  self->weight = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, most, 1);
  self->row = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, most, 1);
}

void hr_dispatch_build(hr_dispatch *self, const hr_assignments *assignments) {
  const int32_t n = assignments->tokens, k = assignments->k, e = self->experts;
  const int32_t *experts = assignments->experts;
  int32_t *offsets = self->offsets;
  self->tokens = n;
  memset(self->counts, 0, (size_t)e * sizeof *self->counts);
  for (int32_t a = 0; a < n * k; a++) {
    if (experts[a] >= 0) self->counts[experts[a]]++;
  }
  offsets[0] = 0;
  for (int32_t id = 0; id < e; id++) offsets[id + 1] = offsets[id] + self->counts[id];
  self->rows = offsets[e];
  /* offsets[id] walks through the rows of expert id to where those of the next begin, and is then set back. */
  for (int32_t i = 0, a = 0; i < n; i++) {
    for (int32_t j = 0; j < k; j++, a++) {
      self->row[a] = HR_NO_EXPERT;
      if (experts[a] < 0) continue;
      const int32_t row = offsets[experts[a]]++;
      self->token[row] = i;
      self->weight[row] = assignments->weights[a];
      self->row[a] = row;
    }
  }
  for (int32_t id = e; id > 0; id--) offsets[id] = offsets[id - 1];
  offsets[0] = 0;
}
