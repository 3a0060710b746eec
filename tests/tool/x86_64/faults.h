/* A signal frame's registers. x86-64. */
#ifndef FAULTS_H
#define FAULTS_H

#include <ucontext.h>

enum { FRAME_REGISTERS = 18, FRAME_FIRST = REG_RDI, FRAME_SP = REG_RSP, FRAME_PC = REG_RIP };
enum { BREAKPOINT_BEHIND = 1, ILLEGAL_LENGTH = 2, BREAKPOINT_LENGTH = 1 };

static inline unsigned long *frame_registers(void *ucontext)
{
  return (unsigned long *)((ucontext_t *)ucontext)->uc_mcontext.gregs;
}

#endif
