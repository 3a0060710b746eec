/* For programs that handle signals, unwind, profile or collect beside us. */
#ifndef SIGHOOK_SIGNALS_H
#define SIGHOOK_SIGNALS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For a host that installs its own SIGTRAP or SIGILL handler after ours: 1 when the signal was ours and is dealt with. */
int sighook_handle_signal(int signal_number, void *siginfo, void *ucontext);                  /* [anywhere] */

/* For crash handlers, profilers and collectors: the program's own pc for one inside our generated code (unchanged elsewhere),
 * and the same for a whole signal frame, registers included. */
uintptr_t sighook_original_pc(uintptr_t pc);                                                  /* [anywhere] */
void sighook_fix_context(void *ucontext);                                                     /* [anywhere] */
/* +1: this thread's hits run no handlers until -1; nests. */
void sighook_thread_ignore(int change);                                                       /* [anywhere] */

#ifdef __cplusplus
}
#endif

#endif
