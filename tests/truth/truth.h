/* The truth about hits, of every instruction: a job is stepped through; then instructions of the functions that it came to are
 * hooked, all or some by chance, and the same job must make the same, with each instruction hit exactly as often as the steps
 * arrived at it. All runs are children of one process, so their addresses are the same. */
#ifndef TESTS_TRUTH_TRUTH_H
#define TESTS_TRUTH_TRUTH_H

#include <stdbool.h>
#include "library.h"

/* JOB_TRAPPED: hooked by traps too, as all jobs are with SIGHOOK_LONG. JOB_LARGE: hooked less often than others. */
enum { JOB_TRAPPED = 1, JOB_LARGE = 2 };

struct job {
  unsigned long (*run)(void);         /* lays into the sink what it makes */
  unsigned kind;
};

/* The group's start: before the first job, and whatever that needs. False where a library is not there. */
bool truth_start(struct library *libraries, unsigned count);

/* A test; its state is the job. */
void every_instruction_is_hit_as_often_as_it_is_come_to(void **state);

#define TRUTH_TEST(name, run, kind)                                                                                             \
  {#name, every_instruction_is_hit_as_often_as_it_is_come_to, NULL, NULL, &(struct job){run, kind}}

#endif
