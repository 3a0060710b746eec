/* Signals: a storm of timers whose handlers run hooked code, faults in hooked instructions, breakpoints of the program's own. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include "soak.h"
#include "soak_machine.h"

enum { STORM_US = 700 };

static unsigned long seen;

unsigned long soak_signals(void)
{
  return __atomic_load_n(&seen, __ATOMIC_RELAXED);
}

static void on_timer(int number, siginfo_t *info, void *frame)
{
  int kept = errno;
  ucontext_t fixed;

  (void)info;
  memcpy(&fixed, frame, offsetof(ucontext_t, uc_mcontext) + sizeof fixed.uc_mcontext);
  sighook_fix_context(&fixed);
  SOAK_REQUIRE(sighook_original_pc(frame_pc_of(&fixed)) == frame_pc_of(&fixed));
  soak_check_target((unsigned)(__atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED) % SOAK_TARGETS), number);
  errno = kept;
}

/* The load that faulted, wherever it was run, answers -7. */
static void on_fault(int number, siginfo_t *info, void *frame)
{
  (void)number;
  (void)info;
  sighook_fix_context(frame);
  if (frame_pc_of(frame) != (uintptr_t)soak_load) {
    signal(SIGSEGV, SIG_DFL);         /* no fault of ours: again, to die of it */
    return;
  }
  frame_go_on(frame, (uintptr_t)soak_load_end, -7);
}

static void on_trap(int number, siginfo_t *info, void *frame)
{
  (void)number;
  __atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
  if (info->si_code > 0)              /* not one that was raised */
    frame_skip_trap(frame);
}

/* SIGTRAP stays open, since timers may interrupt its handler and then run into traps. */
static void handle(int number, void (*handler)(int, siginfo_t *, void *))
{
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | (number == SIGTRAP ? SA_NODEFER : 0)};

  SOAK_REQUIRE(sigaction(number, &action, NULL) == 0);
}

void soak_start_signals(void)
{
  const struct itimerval each = {{0, STORM_US}, {0, STORM_US}};

  handle(SIGALRM, on_timer);
  handle(SIGPROF, on_timer);
  handle(SIGSEGV, on_fault);
  handle(SIGTRAP, on_trap);
  SOAK_REQUIRE(setitimer(ITIMER_REAL, &each, NULL) == 0 && setitimer(ITIMER_PROF, &each, NULL) == 0);
}
