/* A system call in a signal frame, and what this machine needs. */
#ifndef TESTS_FAULT_SYSTEM_CALL_H
#define TESTS_FAULT_SYSTEM_CALL_H

#include <stdint.h>
#include <ucontext.h>

enum { MACHINE_PHASED = 0 };          /* some changes are made in phases */

static inline void machine_arguments(const ucontext_t *frame, uint64_t arguments[4])
{
  for (unsigned i = 0; i < 4; i++)
    arguments[i] = frame->uc_mcontext.regs[i];
}

static inline void machine_set_result(ucontext_t *frame, long result)
{
  frame->uc_mcontext.regs[0] = (uint64_t)result;
}

#endif
