/* A signal frame's registers. AArch64. */
#ifndef FAULTS_H
#define FAULTS_H

#include <ucontext.h>

enum { FRAME_REGISTERS = 34, FRAME_FIRST = 0, FRAME_SP = 31, FRAME_PC = 32 };
enum { BREAKPOINT_BEHIND = 0, ILLEGAL_LENGTH = 4, BREAKPOINT_LENGTH = 4 };

static inline unsigned long *frame_registers(void *ucontext)
{
  return (unsigned long *)((ucontext_t *)ucontext)->uc_mcontext.regs;
}

#endif
