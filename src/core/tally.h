/* The library's own side of the counters (core/counters.h is what the agent sees). */
#ifndef CORE_TALLY_H
#define CORE_TALLY_H

#include <stdbool.h>
#include <stdint.h>
#include "core/counters.h"

struct thread;

/* The thread's counter of that number; NULL where memory is refused. On the way of a hit. */
struct counter *tally_of(struct thread *thread, uint32_t number);
/* A fresh number; false where there is no further one. */
bool tally_take(int32_t *number);
/* All threads together, dead ones included. */
struct counter tally_sum(uint32_t number);
/* Chunks come from outside, by code that may use any register. */
bool tally_has_source(void);

#endif
