/* Signals of Linux by raw system calls: 64 of them, one bit each. */
#include "os/signals.h"

#include "raw_syscall.h"

struct kernel_sigaction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
};

void os_signal_default(int signal_number)
{
  struct kernel_sigaction action = {.handler = SIG_DFL};

  host_syscall4(SYS_rt_sigaction, signal_number, &action, 0, sizeof action.mask);
}

void os_signal_self(int signal_number)
{
  host_syscall3(SYS_tgkill, host_syscall0(SYS_getpid), host_syscall0(SYS_gettid), signal_number);
}

void os_signal_restore(uint64_t mask)
{
  host_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof mask);
}

uint64_t os_signal_mask(void)
{
  uint64_t mask = 0;

  host_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, sizeof mask);
  return mask;
}
