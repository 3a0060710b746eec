#ifndef TESTS_TRUTH_STEPPING_MACHINE_H
#define TESTS_TRUTH_STEPPING_MACHINE_H

#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>

enum { FLAG_TRAP = 0x100 };

static inline uintptr_t stepping_pc(pid_t child)
{
  struct user_regs_struct registers = {0};

  ptrace(PTRACE_GETREGS, child, 0, &registers);
  return registers.rip;
}

/* Where the flags were pushed and popped, the kernel takes the flag with which it steps for the child's own, and leaves it. */
static inline void stepping_end(pid_t child)
{
  struct user_regs_struct registers = {0};

  ptrace(PTRACE_GETREGS, child, 0, &registers);
  registers.eflags &= ~(unsigned long long)FLAG_TRAP;
  ptrace(PTRACE_SETREGS, child, 0, &registers);
}

#endif
