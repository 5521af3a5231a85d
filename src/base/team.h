/* A team of threads that work on one task at a time: fork and join, without locks.
 *
 * A task is cut into parts that any thread may take in any order. So that the result does not depend on who took what,
 * a part writes only what is its own, and every number is summed in one order, however the task is cut. */
#ifndef HR_BASE_TEAM_H
#define HR_BASE_TEAM_H

#include <stdint.h>

typedef struct hr_team hr_team;

/* Works on part `part` in thread number `thread` (0: the one that called hr_team_run), which owns scratch of its own. */
typedef void hr_task(void *context, int32_t part, int32_t thread);

/* A team for `threads` threads, of which threads - 1 must call hr_team_serve. NULL if there is no memory. */
hr_team *hr_team_create(int32_t threads);
/* Makes the serving threads return. Their memory may be freed once they have. */
void hr_team_dissolve(hr_team *team);
void hr_team_destroy(hr_team *team);

/* 1 for NULL. */
int32_t hr_team_threads(const hr_team *team);

/* Works on tasks until the team is dissolved; thread is 1 .. threads - 1. */
void hr_team_serve(hr_team *team, int32_t thread);

/* Has parts 0 .. parts-1 of a task done, and returns when all are. With no team the caller does them all. */
void hr_team_run(hr_team *team, hr_task *task, void *context, int32_t parts);

#endif
