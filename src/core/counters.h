/* Hit counters: one array of counters a thread, so that a hit writes no cache line that another thread reads often.
 * A site with SIGHOOK_COUNT owns a number; number / COUNTER_CHUNK picks a chunk, number % COUNTER_CHUNK the counter in it.
 * A thread takes a chunk the first time it hits a site of it; chunks outlive their threads. */
#ifndef CORE_COUNTERS_H
#define CORE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sighook/hook.h>

enum { COUNTER_CHUNK = 4096, COUNTER_CHUNKS_MAX = 4096 };

struct counter {
  uint64_t hits;
  uint64_t missed;
};

/* Where chunks come from: COUNTER_CHUNK zeroed counters for chunk number `chunk` of the calling thread, or NULL (its hits
 * there are then not counted). Called on a hit: must be async-signal-safe and take no lock. NULL as source: private anonymous memory.
 * To be set before the first counting hook is installed. */
typedef struct counter *counter_source(uint32_t chunk);
void counters_set_source(counter_source *source);

/* For a forked child whose source hands out shared memory: the calling thread, alone in its process, forgets its chunks and
 * takes new ones. */
void counters_restart(void);

/* The number of the counter that `hook` counts in; false where it does not count or is stale. */
bool counters_number(sighook_hook hook, uint32_t *number);

#endif
