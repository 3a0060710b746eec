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

/* What our handlers block: all that may come at any time, since another handler inside one of ours would be one more frame on the
 * stack. Not what traps raise, ours among it: whoever blocks that is killed at a trap, and loses the handler to a debugger's step. */
#define CHAIN_BIT(signal_number) (UINT64_C(1) << ((signal_number) - 1))
#define CHAIN_KERNEL_MASK \
  (~(CHAIN_BIT(SIGTRAP) | CHAIN_BIT(SIGILL) | CHAIN_BIT(SIGSEGV) | CHAIN_BIT(SIGBUS) | CHAIN_BIT(SIGFPE) | CHAIN_BIT(SIGKILL) | \
     CHAIN_BIT(SIGSTOP)))

/* SA_RESTART, where system calls that such an action's signal interrupts would go on without us. */
int chain_restart_flag(const struct sigaction *action);

/* Hands the signal to `link`'s handler with its flags and mask, or does what the kernel would by default. */
void chain_deliver(struct chain_link *link, int signal_number, siginfo_t *info, void *ucontext);

#endif
