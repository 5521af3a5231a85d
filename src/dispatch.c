#include "dispatch.h"

void hr_dispatch_plan(hr_dispatch *self, hr_arena *arena, int32_t experts, int64_t most) {
  self->experts = experts;
  self->counts = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, experts, 1);
  self->dropped = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, experts, 1);
  self->taken = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, experts, 1);
  self->offsets = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, (int64_t)experts + 1, 1);
  self->token = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, most, 1);
  self->weight = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, most, 1);
  self->row = hr_arena_ints(arena, HR_MEMORY_ACTIVATIONS, most, 1);
}

void hr_assignments_pack(hr_assignments *self, int32_t e) {
  int32_t k = 1;
  for (int32_t i = 0; i < self->tokens; i++) k = self->counts[i] > k ? self->counts[i] : k;
  self->k = k;
  for (int32_t i = 0; i < self->tokens; i++) {
    int32_t *to = self->experts + (ptrdiff_t)i * k;
    const int32_t count = self->counts[i];
    /* Lists only move towards the front, in the order in which they lie. */
    memmove(to, self->experts + (ptrdiff_t)i * e, (size_t)count * sizeof *to);
    for (int32_t j = count; j < k; j++) {
      to[j] = HR_NO_EXPERT;
      self->weights[(ptrdiff_t)i * k + j] = 0;
    }
  }
}

void hr_dispatch_build(hr_dispatch *self, hr_assignments *assignments, int32_t capacity) {
  const int32_t n = assignments->tokens, k = assignments->k, e = self->experts;
  const int32_t *experts = assignments->experts;
  int32_t *offsets = self->offsets;
  self->tokens = n;
  memset(self->counts, 0, (size_t)e * sizeof *self->counts);
  for (int32_t a = 0; a < n * k; a++) {
    if (experts[a] >= 0) self->counts[experts[a]]++;
  }
  offsets[0] = 0;
  self->drops = false;
  for (int32_t id = 0; id < e; id++) {
    const int32_t over = self->counts[id] - capacity;
    self->dropped[id] = capacity > 0 && over > 0 ? over : 0;
    self->drops = self->drops || self->dropped[id] > 0;
    offsets[id + 1] = offsets[id] + self->counts[id] - self->dropped[id];
  }
  self->rows = offsets[e];
  /* taken[id] counts how many rows of expert id are filled. */
  int32_t *taken = self->taken;
  memset(taken, 0, (size_t)e * sizeof *taken);
  for (int32_t i = 0, a = 0; i < n; i++) {
    for (int32_t j = 0; j < k; j++, a++) {
      const int32_t id = experts[a];
      self->row[a] = HR_NO_EXPERT;
      if (id < 0) continue;
      const int32_t row = offsets[id] + taken[id];
      if (row == offsets[id + 1]) {
        assignments->weights[a] = 0;
        continue;
      }
      taken[id]++;
      self->token[row] = i;
      self->weight[row] = assignments->weights[a];
      self->row[a] = row;
    }
  }
}
