/* What a hit runs when it is more than one plain handler. */
#ifndef CORE_DISPATCH_H
#define CORE_DISPATCH_H

#include "core/hook.h"
#include "host/host.h"

/* Immutable once published: another is built for every change. The action comes first. */
struct chain {
  struct action action;      /* handler: dispatch_chain; argument: the chain itself */
  struct site *site;
  struct retired retired;
  uint32_t count;
  struct hook *hooks[];
};

void dispatch_chain(sighook_context *context, void *chain);

/* What the capture routines call where a record shows an action under way. The thread's own record, which is not always the one
 * that the routine went by; NULL where there is none to be had, and no handler runs. */
struct thread *dispatch_thread(struct thread *thread);

/* Then: a hit inside an action on the same thread, or while the thread ignores hits, or its first. Non-zero: the action wants more
 * saved than `save_class`; capture again. */
int dispatch_nested(struct frame *frame, struct site *site, struct thread *thread, unsigned save_class);

/* Where a thread goes on that was captured and may not go its stub's own way: straight to a stub where the pc is hooked, since a
 * trap may stand there; to the displaced instruction where only sp was changed. */
uintptr_t dispatch_target(const struct frame *frame);

#endif
