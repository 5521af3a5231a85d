/* Repairs around Emscripten's allocator. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* libc calls this after the memory has grown. Defined here, it is no import of
 * the module; callers see the growth by memory.buffer changing. */
void emscripten_notify_memory_growth(size_t memory_index);
void emscripten_notify_memory_growth(size_t memory_index) {
  (void)memory_index;
}

/* Every call of malloc comes here (wasm-ld --wrap). emmalloc compares addresses
 * modulo 2^32, so that a free region high in memory seems to hold a request that
 * ends beyond 4 GiB. The region stays as large as it was; giving it back undoes
 * the mistake. */
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes) {
  /* Stack and data are there too; what leaves no room for them would wrap inside emmalloc. */
  if (bytes > UINTPTR_MAX - (1 << 20)) return NULL;
  void *block = __real_malloc(bytes);
  if (block != NULL && (uintptr_t)block > UINTPTR_MAX - bytes) {
    free(block);
    return NULL;
  }
  return block;
}

#ifdef __wasm_atomics__

/* What libc's sbrk asks for; Emscripten's own versions are not made for shared memories without its runtime. */
size_t emscripten_get_heap_size(void);
size_t emscripten_get_heap_size(void) {
  return __builtin_wasm_memory_size(0) << 16;
}

int emscripten_resize_heap(size_t bytes);
int emscripten_resize_heap(size_t bytes) {
  const size_t pages = (bytes >> 16) + ((bytes & 0xffff) != 0), now = __builtin_wasm_memory_size(0);
  return pages <= now || __builtin_wasm_memory_grow(0, pages - now) != SIZE_MAX;
}

#endif
