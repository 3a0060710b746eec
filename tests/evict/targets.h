/* The functions of tests/live/evict.S, each with a short instruction for whose entry the next one gives way. */
#ifndef TESTS_EVICT_TARGETS_H
#define TESTS_EVICT_TARGETS_H

#include <stdint.h>
#include "../live/windows.h"

struct target {
  const char *name;
  long (*function)(long);             /* answers twice its argument and 7 */
  const uint8_t *site, *next;         /* what is hooked, and what gives way */
};
extern const struct target targets[];
extern const unsigned target_count;

/* Takes whatever the puns of these sites could land on. */
void targets_crowd(void);

static inline long target_expected(long n)
{
  return 2 * n + 7;
}

/* Goes on at a target's `next` as if a branch that nobody knows of led there. */
long enter_at(const uint8_t *address, long n);

#endif
