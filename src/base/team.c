#include "base/team.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

struct hr_team {
  int32_t threads;
  /* Number of the task in the upper half, parts not yet taken in the lower. Both change together, so that a thread which
   * comes late to a task cannot take a part of the next one by mistake. */
  _Atomic uint64_t ticket;
  _Atomic int32_t done; /* parts finished */
  _Atomic int32_t asleep;
  _Atomic int32_t call; /* number of the task, for threads that sleep */
  _Atomic bool dissolved;
  hr_task *task;
  void *context;
  int32_t parts;
};

/* Looks that an idle thread takes at the ticket before it sleeps: some 50 microseconds. Tasks of a training step follow
 * each other faster than that. */
enum { PATIENCE = 20000 };

#if defined(__wasm_atomics__)

static void sleep_until_changed(_Atomic int32_t *word, int32_t seen) {
  __builtin_wasm_memory_atomic_wait32((int32_t *)word, seen, -1);
}

static void wake_all(_Atomic int32_t *word) {
  __builtin_wasm_memory_atomic_notify((int32_t *)word, UINT32_MAX);
}

#else

#include <sched.h>

/* Without a way to sleep until then, an idle thread lets others run and looks again. */
static void sleep_until_changed(_Atomic int32_t *word, int32_t seen) {
  while (atomic_load(word) == seen) sched_yield();
}

static void wake_all(_Atomic int32_t *word) {
  (void)word;
}

#endif

hr_team *hr_team_create(int32_t threads) {
  hr_team *team = malloc(sizeof *team);
  if (!team) return NULL;
  team->threads = threads;
  atomic_init(&team->ticket, 0);
  atomic_init(&team->done, 0);
  atomic_init(&team->asleep, 0);
  atomic_init(&team->call, 0);
  atomic_init(&team->dissolved, false);
  return team;
}

void hr_team_dissolve(hr_team *team) {
  atomic_store(&team->dissolved, true);
  atomic_fetch_add(&team->call, 1);
  wake_all(&team->call);
}

void hr_team_destroy(hr_team *team) {
  free(team);
}

int32_t hr_team_threads(const hr_team *team) {
  return team ? team->threads : 1;
}

/* Takes parts of task number `call` until none is left. */
static void work(hr_team *team, uint32_t call, int32_t thread) {
  uint64_t ticket = atomic_load(&team->ticket);
  for (;;) {
    const uint32_t left = (uint32_t)ticket;
    if ((uint32_t)(ticket >> 32) != call || left == 0) return;
    if (!atomic_compare_exchange_weak(&team->ticket, &ticket, ticket - 1)) continue;
    /* The task stays what it is until this part is done. */
    team->task(team->context, team->parts - (int32_t)left, thread);
    atomic_fetch_add(&team->done, 1);
    ticket = atomic_load(&team->ticket);
  }
}

void hr_team_serve(hr_team *team, int32_t thread) {
  int32_t patience = PATIENCE;
  while (!atomic_load(&team->dissolved)) {
    const int32_t call = atomic_load(&team->call);
    const uint64_t ticket = atomic_load(&team->ticket);
    if ((uint32_t)ticket != 0) {
      work(team, (uint32_t)(ticket >> 32), thread);
      patience = PATIENCE;
    } else if (--patience == 0) {
      atomic_fetch_add(&team->asleep, 1);
      /* A task that was begun since then has changed the number, and the sleep ends at once. */
      sleep_until_changed(&team->call, call);
      atomic_fetch_sub(&team->asleep, 1);
      patience = PATIENCE;
    }
  }
}

void hr_team_run(hr_team *team, hr_task *task, void *context, int32_t parts) {
  if (!team || team->threads == 1 || parts <= 1) {
    for (int32_t part = 0; part < parts; part++) task(context, part, 0);
    return;
  }
  team->task = task;
  team->context = context;
  team->parts = parts;
  atomic_store(&team->done, 0);
  const uint32_t call = (uint32_t)(atomic_load(&team->ticket) >> 32) + 1;
  atomic_store(&team->ticket, ((uint64_t)call << 32) | (uint32_t)parts);
  atomic_store(&team->call, (int32_t)call);
  if (atomic_load(&team->asleep) > 0) wake_all(&team->call);
  work(team, call, 0);
  /* A page's main thread must not sleep; the other threads are at their last parts. */
  while (atomic_load(&team->done) < parts) {}
}
