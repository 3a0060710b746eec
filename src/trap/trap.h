/* The signal side of trap entries: a trap of ours only has its pc sent to the stub; every other goes to whoever handled the
 * signal before. Nothing here allocates, locks or uses stdio. */
#ifndef TRAP_TRAP_H
#define TRAP_TRAP_H

#include <stdbool.h>
#include "error.h"

/* Installs the handler, once; before the first trap byte of ours can be met. */
sighook_status trap_start(struct error *error);

/* The same for bytes that are no instruction. */
sighook_status trap_start_illegal(struct error *error);

/* Whether the signal was one of our traps; then the interrupted context has been sent on. [anywhere] */
bool trap_claim(int signal_number, const void *siginfo, void *ucontext);

#endif
