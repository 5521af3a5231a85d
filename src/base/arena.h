/* All memory of a model, cut from one block. The same code runs twice: with base NULL it only counts. */
#ifndef HR_BASE_ARENA_H
#define HR_BASE_ARENA_H

#include "hyperrouter.h"

typedef struct hr_arena {
  char *base;
  uint64_t used;
  int32_t threads; /* that need scratch of their own; 0 stands for 1 */
  uint64_t bytes[HR_MEMORY_KINDS];
} hr_arena;

/* Room for count items of size bytes, aligned to 64 bytes; NULL while the arena only counts. The product of two
 * 32-bit sizes fits in 64 bits; sums that no address space holds saturate. */
void *hr_arena_take(hr_arena *arena, hr_memory_kind kind, uint64_t count, uint64_t size);

/* Room for a [rows, columns] matrix of reals. */
hr_real *hr_arena_reals(hr_arena *arena, hr_memory_kind kind, int64_t rows, int64_t columns);
int32_t *hr_arena_ints(hr_arena *arena, hr_memory_kind kind, int64_t rows, int64_t columns);

#endif
