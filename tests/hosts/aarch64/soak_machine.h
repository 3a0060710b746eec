/* Frames of signals, and the patch. */
#ifndef TESTS_HOSTS_SOAK_MACHINE_H
#define TESTS_HOSTS_SOAK_MACHINE_H

#include <stdint.h>
#include <ucontext.h>

/* mov w0,#0x2222 in place of mov w0,#0x1111 */
static const uint8_t soak_patch[] = {0x40, 0x44, 0x84, 0x52};

static inline uintptr_t frame_pc_of(const ucontext_t *frame)
{
  return frame->uc_mcontext.pc;
}

static inline void frame_go_on(ucontext_t *frame, uintptr_t pc, long result)
{
  frame->uc_mcontext.pc = pc;
  frame->uc_mcontext.regs[0] = (unsigned long)result;
}

static inline void frame_skip_trap(ucontext_t *frame)
{
  frame->uc_mcontext.pc += 4;
}

#endif
