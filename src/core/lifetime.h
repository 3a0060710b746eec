/* When what a handler may still use can be reused: epochs. A capture stores the global epoch (capture_facts.epoch) in its thread's record before it
 * reads the site's action, and zero when the action is over; what was unlinked before epoch N began is free once every record
 * shows zero or N and later, and a barrier has run on every thread since.
 *
 * A record has room for an epoch's low bits only, so epochs advance no further than that the oldest one in use can be told. */
#ifndef CORE_LIFETIME_H
#define CORE_LIFETIME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"


/* To be embedded in whatever is retired. */
struct retired {
  struct retired *next;
  uint64_t epoch;
  void (*release)(struct retired *item);
};

/* `release` is called, under the library's lock, when no action can be using the item, which was just unlinked. */
void lifetime_retire(struct retired *item, void (*release)(struct retired *item));

/* Waits until every action that was under way has ended, those of the calling thread excepted. Not under the lock. An action
 * that itself waits more than a thousand times before it ends waits in vain from then on. */
sighook_status lifetime_wait(unsigned timeout_ms, struct error *error);

void lifetime_abandon(void);

#endif
