/* The signal frame of Linux on x86-64. */
#include "frame/frame.h"

#include <signal.h>
#include <ucontext.h>

enum { TRAP_BREAKPOINT = 3 };   /* X86_TRAP_BP */

uintptr_t frame_pc(const void *ucontext)
{
  return (uintptr_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
}

void frame_set_pc(void *ucontext, uintptr_t pc)
{
  ((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

void frame_add_sp(void *ucontext, intptr_t bytes)
{
  ((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RSP] += bytes;
}

bool frame_finish(void *ucontext, const struct site *site)
{
  (void)ucontext;                    /* routines and stubs leave nothing to it here */
  (void)site;
  return false;
}

/* By the kernel's record of the thread's last trap, whatever si_code says: the pc is behind the breakpoint. */
bool frame_is_breakpoint(int signal_number, const void *siginfo, const void *ucontext)
{
  (void)siginfo;
  return signal_number == SIGTRAP && ((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_TRAPNO] == TRAP_BREAKPOINT;
}
