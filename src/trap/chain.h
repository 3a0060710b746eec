/* Who handled a signal before us, and handing it on as if we were not there. */
#ifndef TRAP_CHAIN_H
#define TRAP_CHAIN_H

#include <signal.h>
#include <stdbool.h>

struct chain_link {
  struct sigaction action;
  _Atomic(int) spent;        /* an SA_RESETHAND handler that has run */
};

/* Remembers what was there before us. Later, while a thread may be reading it, only that it is ignored or done by default. */
void chain_set(struct chain_link *link, const struct sigaction *action, bool later);

/* SA_RESTART, where system calls that such an action's signal interrupts would go on without us. */
int chain_restart_flag(const struct sigaction *action);

/* Does what the kernel would by default. */
void chain_default(int signal_number, const siginfo_t *info, void *ucontext);

/* Whether it is to be handed on where the kernel brought it, which is the alternate stack if there is one. */
bool chain_on_alternate(const struct chain_link *link);

/* Hands the signal to `link`'s handler with its flags and mask, or does what the kernel would by default. */
void chain_deliver(struct chain_link *link, int signal_number, siginfo_t *info, void *ucontext);

#endif
