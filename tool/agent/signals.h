/* The program's signals while the library is in its process: SIGTRAP and SIGILL stay open and handled as long as bytes of ours may
 * raise them, and yet the program finds the mask and the handlers that it set; its handlers see its own pc and registers, never
 * ours. Runs on hits and in signal handlers: raw system calls, general registers, no libc. */
#ifndef AGENT_SIGNALS_H
#define AGENT_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include "channel.h"
#include "trap/trap.h"

enum { SIGNALS = 64 };

static inline uint64_t signal_bit(int number)
{
  return UINT64_C(1) << (number - 1);
}

/* What rt_sigaction takes. */
struct kernel_action {
  uintptr_t handler;
  unsigned long flags;
  uintptr_t restorer;
  uint64_t mask;
};

/* ---- the whole: guard.c ---- */

/* Before any other code of the program runs: hooks the system call that sets handlers. */
void guard_start(const struct channel_image *image);

/* Where bytes that trap are to stand in code: those too that block signals and the like. Whether all that are known could be had, so
 * that traps may stand anywhere. */
bool guard_masks(const struct channel_image *image);

/* After the hooks. */
void guard_ready(void);

/* Around a try to execute a program, which inherits what is blocked, ignored and pending: that is then as the program asked. False
 * where it is anyway. */
bool guard_before_execute(uint64_t *ignored);
void guard_after_execute(uint64_t ignored);

/* ---- the mask: mask.c ---- */

/* SIGTRAP and SIGILL, as far as they are kept open. */
extern uint64_t mask_kept;

/* A child of vfork or posix_spawn has its parent's memory and thread pointer, but a mask and handlers of its own. */
struct mask_child {
  long id;
  uint64_t blocked, ignored;           /* of what is kept */
};
bool mask_in_child(void);
/* NULL where this is no such child. */
struct mask_child *mask_child(void);

/* This thread's, or this child's, of those that are kept. */
uint64_t *mask_blocked(void);
/* The same as a handler that begins finds it, which goes back to it. */
uint64_t mask_interrupted(void);
void mask_start_process(void);
/* Opens what is kept. */
void mask_start(void);

/* The system calls; the results are the kernel's. */
long mask_change(long how, uintptr_t set, uintptr_t old, long size);
long mask_pending(uintptr_t set, long size);
long mask_suspend(uintptr_t set, long size);
/* False where the kernel is to wait. */
bool mask_take_pending(uintptr_t set, uintptr_t info, long *result);

/* Keeps a signal that the program blocks until it does no more. */
void mask_hold(int number, const siginfo_t *info);
/* Sends what was kept and is not blocked any more; all of it where `anyway`. */
void mask_release(bool anyway);

/* ---- handlers: actions.c ---- */

/* What the program asked for, read whole though another thread may be changing it. */
struct kernel_action action_of_signal(int number);
/* To the default, where it is still `seen`; whether it was. */
bool action_spend(int number, const struct kernel_action *seen);
long action_change(int number, uintptr_t action, uintptr_t old, long size);
void action_start(void);

/* Those kept that the process ignores. */
uint64_t actions_ignored(void);

/* ---- delivery: deliver.c ---- */

/* What the kernel calls in place of the program's handlers. */
void deliver(int number, siginfo_t *info, void *ucontext);
/* Takes what is no trap of ours of the signals that are kept. */
extern const struct trap_receiver deliver_foreign;

#endif
