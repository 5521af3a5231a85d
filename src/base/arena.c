#include "base/arena.h"

#define ALIGNMENT 64
#define TOO_MUCH (UINT64_MAX / 4)

void *hr_arena_take(hr_arena *arena, hr_memory_kind kind, uint64_t count, uint64_t size) {
  uint64_t bytes = TOO_MUCH;
  if (size == 0 || count < TOO_MUCH / size) bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  uint64_t start = arena->used;
  arena->used = start + bytes > TOO_MUCH ? TOO_MUCH : start + bytes;
  arena->bytes[kind] += bytes;
  return arena->base ? arena->base + start : NULL;
}

hr_real *hr_arena_reals(hr_arena *arena, hr_memory_kind kind, int64_t rows, int64_t columns) {
  return hr_arena_take(arena, kind, (uint64_t)rows * (uint64_t)columns, sizeof(hr_real));
}

int32_t *hr_arena_ints(hr_arena *arena, hr_memory_kind kind, int64_t rows, int64_t columns) {
  return hr_arena_take(arena, kind, (uint64_t)rows * (uint64_t)columns, sizeof(int32_t));
}
