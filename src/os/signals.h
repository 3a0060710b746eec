/* Signals by raw system calls, for use inside a signal handler. */
#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include <signal.h>
#include <stdint.h>

/* Masks as the kernel has them. What may come at any time; not what traps, faults and filters of system calls raise: whoever blocks
 * that is killed by it, and loses its handler to a debugger's step. */
#define OS_SIGNAL_BIT(signal_number) (UINT64_C(1) << ((signal_number) - 1))
#define OS_SIGNALS_THAT_COME \
  (~(OS_SIGNAL_BIT(SIGTRAP) | OS_SIGNAL_BIT(SIGILL) | OS_SIGNAL_BIT(SIGSEGV) | OS_SIGNAL_BIT(SIGBUS) | OS_SIGNAL_BIT(SIGFPE) | \
     OS_SIGNAL_BIT(SIGSYS) | OS_SIGNAL_BIT(SIGKILL) | OS_SIGNAL_BIT(SIGSTOP)))
/* Of those behind, emulators keep some for themselves, which are never seen blocked. */
#define OS_SIGNALS_STANDARD (OS_SIGNAL_BIT(32) - 1)

void os_signal_default(int signal_number);
/* Sends the signal to the calling thread. */
void os_signal_self(int signal_number);
/* Of the calling thread. */
void os_signal_restore(uint64_t mask);
uint64_t os_signal_mask(void);

#endif
