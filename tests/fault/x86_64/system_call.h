/* A system call in a signal frame, and what this machine needs. */
#ifndef TESTS_FAULT_SYSTEM_CALL_H
#define TESTS_FAULT_SYSTEM_CALL_H

#include <stdint.h>
#include <ucontext.h>

enum { MACHINE_PHASED = 1 };          /* some changes are made in phases */

static inline void machine_arguments(const ucontext_t *frame, uint64_t arguments[4])
{
  static const int registers[] = {8 /* rdi */, 9 /* rsi */, 12 /* rdx */, 2 /* r10 */};

  for (unsigned i = 0; i < 4; i++)
    arguments[i] = (uint64_t)frame->uc_mcontext.gregs[registers[i]];
}

static inline void machine_set_result(ucontext_t *frame, long result)
{
  enum { RAX = 13 };

  frame->uc_mcontext.gregs[RAX] = result;
}

#endif
