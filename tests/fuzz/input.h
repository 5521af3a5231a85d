/* The bytes of a fuzzer's input, read as choices; behind its end there are zeros. */
#ifndef INPUT_H
#define INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What must hold for every input. */
#define REQUIRE(condition)                                                                                   \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                          \
      abort();                                                                                               \
    }                                                                                                        \
  } while (0)

typedef struct input {
  const uint8_t *at, *end;
} input;

static inline uint32_t input_byte(input *self) {
  return self->at < self->end ? *self->at++ : 0;
}

static inline uint32_t input_u32(input *self) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) value = value << 8 | input_byte(self);
  return value;
}

/* 0 .. limit-1 */
static inline int32_t input_below(input *self, int32_t limit) {
  return limit <= 1 ? 0 : (int32_t)(input_byte(self) % (uint32_t)limit);
}

#endif
