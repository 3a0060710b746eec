/* One target, crowded, with a hook and breakpoints of somebody else's: what has to be so is checked, and where it is not, that
 * is told and the process ends. */
#ifndef TESTS_EVICT_TRIAL_H
#define TESTS_EVICT_TRIAL_H

#include <sighook/sighook.h>
#include "foreign.h"

enum { TRIAL_BYTES = 64, BREAKPOINT = 0xCC };

struct trial {
  const struct target *target;
  unsigned taken;                      /* forms of its jump for which there is no room */
  uint32_t flags;                      /* of the hook */
  uint8_t original[TRIAL_BYTES];       /* the function's code */
  bool runs;                           /* what stands behind the site */
  uintptr_t starts[1 + LEANED_MAX];       /* where instructions begin: the site, and those behind it */
  unsigned start_count;
  uintptr_t broken;                    /* where the breakpoint stands */
  sighook_hook hook;
};
extern struct trial trial;

/* Crowds the target, and learns what it looks like without a hook. */
void trial_begin(const struct target *target, unsigned taken);

const uint8_t *trial_code(void);

/* What the program has at `broken`, and what of ours stands in the code read then. */
uint8_t trial_own_byte(void);
uint8_t trial_byte_of(const uint8_t code[TRIAL_BYTES]);

void expect(bool condition, const char *what);

sighook_status try_install(uint32_t flags);
void must_install(void);
void must_remove(void);
void must_conflict(sighook_status status);

/* ... and nothing changes. */
void must_not_be_removed(void);
void must_not_be_installed(void);

/* The function does what it did, and so many callbacks are called. */
void must_call(long expected);

bool trial_is_fragile(void);

void must_read(const uint8_t code[TRIAL_BYTES], const char *what);
void must_be_restored(void);

#endif
