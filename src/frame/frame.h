/* The signal frame: the only thing that is both the architecture's and the system's. One tiny file a pair. */
#ifndef FRAME_FRAME_H
#define FRAME_FRAME_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sighook/context.h>

/* The pc that the signal interrupted; `ucontext` as a handler gets it. */
uintptr_t frame_pc(const void *ucontext);
void frame_set_pc(void *ucontext, uintptr_t pc);

/* The general registers, flags, sp and pc, read and written; the rest of the signal frame stays. */
void frame_read(const void *ucontext, sighook_context *context);
void frame_write(void *ucontext, const sighook_context *context);

/* Does what a routine or a stub of ours leaves to the trap handler, where the frame stands at such a breakpoint: to go on from
 * a capture with every register set at once; in a stub, whose site is given, a branch. False where it is none. */
struct site;
bool frame_finish(void *ucontext, const struct site *site);

/* What made this signal, of what entries hold, and where it stands. `siginfo` as a handler gets it; NULL where it is not known. A
 * pending asynchronous SIGTRAP may take a breakpoint's place: it counts as one where the breakpoint would not be met again. */
enum frame_trap { FRAME_NO_TRAP, FRAME_BREAKPOINT, FRAME_ILLEGAL };
enum frame_trap frame_trap(int signal_number, const void *siginfo, const void *ucontext, uintptr_t *address);

/* What the kernel is to call as a handler: goes on to trap_on_signal, and tells it what sp, the frame pointer and the link
 * register were (the latter two on AArch64). */
void frame_entry(int number, siginfo_t *info, void *ucontext);

/* Goes on with `function` in the handler's place on the stack that the signal met, to which the kernel's frame is copied. Returns
 * where that is the same, or the kernel did not begin the handler. */
typedef void frame_function(int number, siginfo_t *info, void *ucontext);
void frame_leave_alternate(int number, siginfo_t *info, void *ucontext, uintptr_t sp, uintptr_t record, uintptr_t back,
                           frame_function *function);

#endif
