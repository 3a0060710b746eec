/* When what a handler may still use can be reused: epochs. A capture stores the global epoch in its thread's record before it
 * reads the site's action, and zero when the action is over; what was unlinked at epoch N is free once every record shows
 * zero or N and later, and a barrier has run on every thread since. */
#ifndef CORE_LIFETIME_H
#define CORE_LIFETIME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

extern _Atomic(uint64_t) lifetime_epoch __attribute__((visibility("hidden")));

/* To be embedded in whatever is retired. */
struct retired {
  struct retired *next;
  uint64_t epoch;
  void (*release)(struct retired *item);
};

/* `release` is called, under the library's lock, when no action can be using the item, which was just unlinked. */
void lifetime_retire(struct retired *item, void (*release)(struct retired *item));

/* Waits until every action that was under way has ended, those of the calling thread excepted. Not under the lock. */
sighook_status lifetime_wait(unsigned timeout_ms, struct error *error);

void lifetime_abandon(void);

#endif
