#ifndef TESTS_TRUTH_STEPPING_MACHINE_H
#define TESTS_TRUTH_STEPPING_MACHINE_H

#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>

enum { STEPPING_REPEATS = 1 };        /* `rep` stops at one pc many times */

static inline uintptr_t stepping_pc(pid_t child)
{
  struct user_regs_struct registers = {0};

  ptrace(PTRACE_GETREGS, child, 0, &registers);
  return registers.rip;
}

#endif
