/* Who handled a signal before us, and handing it on as if we were not there. */
#ifndef TRAP_CHAIN_H
#define TRAP_CHAIN_H

#include <signal.h>

struct chain_link {
  struct sigaction action;
  _Atomic(int) spent;        /* an SA_RESETHAND handler that has run */
};

/* Hands the signal to `link`'s handler with its flags and mask, or does what the kernel would by default. */
void chain_deliver(struct chain_link *link, int signal_number, siginfo_t *info, void *ucontext);

#endif
