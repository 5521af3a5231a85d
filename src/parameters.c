#include "parameters.h"

#include "base/random.h"

enum { PADDING = 4 };

static int64_t padded(int64_t size) {
  return (size + PADDING - 1) / PADDING * PADDING;
}

static char *append(char *at, const char *text) {
  while (*text) *at++ = *text++;
  return at;
}

static char *append_number(char *at, int32_t number) {
  char digits[12];
  int count = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (count > 0) *at++ = digits[--count];
  return at;
}

hr_parameter *hr_parameters_declare(hr_parameters *self, int32_t layer, const char *name, hr_initial initial,
                                    hr_role role, int32_t d0, int32_t d1, int32_t d2) {
  int32_t rank = d2 ? 3 : d1 ? 2 : 1;
  int64_t size = (int64_t)d0 * (d1 ? d1 : 1) * (d2 ? d2 : 1);
  static const double MEAN[] = {0, 0, 1, 0, 0.69314718055994530942};
  static const double DEVIATION[] = {0, 0.02, 0.02, 1, 0};
  self->sizes[role] += padded(size);
  int32_t index = self->count++;
  hr_parameter *entry = self->table ? &self->table[index] : NULL;
  if (self->wanted && self->wanted_index == index) entry = self->wanted;
  if (!entry) return NULL;
  *entry = (hr_parameter){.rank = rank,
                          .shape = {d0, d1 ? d1 : 1, d2 ? d2 : 1},
                          .size = (int32_t)size,
                          .role = (int32_t)role,
                          .mean = MEAN[initial],
                          .deviation = DEVIATION[initial]};
  char *end = entry->name;
  if (layer >= 0) {
    end = append(end, "layers.");
    end = append_number(end, layer);
    end = append(end, ".");
  }
  *append(end, name) = 0;
  return entry;
}

void hr_parameters_scale(hr_parameter *entry, double scale) {
  if (entry) entry->deviation *= scale;
}

void hr_parameters_normal(hr_parameter *entry, double mean, double deviation) {
  if (!entry) return;
  entry->mean = mean;
  entry->deviation = deviation;
}

void hr_parameters_restart(hr_parameters *self) {
  self->count = 0;
  memset(self->sizes, 0, sizeof self->sizes);
}

static bool has_gradient(int32_t role) {
  return role == HR_TRAINED || role == HR_EXTERNAL;
}

void hr_parameters_place(hr_parameters *self, hr_arena *arena) {
  for (int32_t role = 0; role < HR_ROLES; role++)
    self->data[role] = hr_arena_reals(arena, HR_MEMORY_PARAMETERS, self->sizes[role], 1);
  for (int32_t role = 0; role < HR_ROLES; role++) {
    if (has_gradient(role))
      self->grad[role] = hr_arena_reals(arena, HR_MEMORY_GRADIENTS, self->sizes[role], 1);
  }
  self->m = hr_arena_reals(arena, HR_MEMORY_MOMENTS, self->sizes[HR_TRAINED], 1);
  self->v = hr_arena_reals(arena, HR_MEMORY_MOMENTS, self->sizes[HR_TRAINED], 1);
  if (!self->table) return;
  int64_t taken[HR_ROLES] = {0};
  for (int32_t i = 0; i < self->count; i++) {
    hr_parameter *entry = &self->table[i];
    int64_t *at = &taken[entry->role];
    entry->data = self->data[entry->role] + *at;
    if (has_gradient(entry->role)) entry->grad = self->grad[entry->role] + *at;
    if (entry->role == HR_TRAINED) {
      entry->m = self->m + *at;
      entry->v = self->v + *at;
    }
    *at += padded(entry->size);
  }
}

void hr_parameters_clear_gradients(hr_parameters *self, bool all) {
  for (int32_t i = 0; i < self->count; i++) {
    const hr_parameter *entry = &self->table[i];
    if (entry->grad && (all || !entry->grad_set))
      memset(entry->grad, 0, (size_t)entry->size * sizeof *entry->grad);
  }
}

static uint64_t hash_name(const char *name) {
  uint64_t hash = 0;
  for (; *name; name++) hash = hr_key(hash, (uint64_t)(unsigned char)*name);
  return hash;
}

void hr_parameters_initialise(hr_parameters *self, uint64_t seed) {
  for (int32_t i = 0; i < self->count; i++) {
    hr_parameter *entry = &self->table[i];
    uint64_t key = hr_key(hr_mix(seed), hash_name(entry->name));
    if (entry->mean != 0 || entry->deviation != 0)
      hr_fill_normal(entry->data, entry->size, entry->mean, entry->deviation, key);
  }
}
