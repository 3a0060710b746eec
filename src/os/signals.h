/* Signals by raw system calls, for use inside a signal handler. */
#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include <signal.h>
#include <stdint.h>

void os_signal_default(int signal_number);
/* Sends the signal to the calling thread. */
void os_signal_self(int signal_number);
/* Blocks `mask` and, where not 0, `also`; returns the mask that was in force. */
uint64_t os_signal_block(const sigset_t *mask, int also);
void os_signal_restore(uint64_t mask);

#endif
