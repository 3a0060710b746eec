/* The signal side of trap entries: a trap of ours only has its pc sent to the stub; every other goes to whoever handled
 * the signal before. Nothing here allocates, locks or uses stdio. */
#ifndef TRAP_TRAP_H
#define TRAP_TRAP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/site.h"
#include "error.h"

/* Installs the handler, before the first trap of that kind can be met; again where the program has since had the signal
 * ignored or done by default. Another handler of the program's is trusted to call sighook_handle_signal. */
sighook_status trap_start(enum trap_kind kind, struct error *error);

/* SIGHOOK_SIGNAL_FAILED where such a trap at `address`, needed for the reason `why`, would kill a thread, which blocks
 * its signal. */
sighook_status trap_check_threads(enum trap_kind kind, uintptr_t address, const char *why, struct error *error);

/* What frame_entry goes on to. */
void trap_on_signal(int signal_number, siginfo_t *info, void *ucontext, uintptr_t sp, uintptr_t record, uintptr_t back);

/* Whether our handler of the signal was installed. [anywhere] */
bool trap_handles(int signal_number);

/* For who keeps the program's handlers of these signals himself, as the command's agent does: what is no trap of ours goes to him,
 * no more to whoever handled the signal before. Before the first foreign one. */
struct trap_receiver {
  void (*deliver)(int signal_number, siginfo_t *info, void *ucontext);
  bool (*on_alternate)(int signal_number);      /* whether the handler is to run on the alternate stack */
};
void trap_hand_to(const struct trap_receiver *receiver);

/* Whether the signal was one of our traps; then the interrupted context has been sent on. [anywhere] */
bool trap_claim(int signal_number, const void *siginfo, void *ucontext);

#endif
