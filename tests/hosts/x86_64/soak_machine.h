/* Frames of signals, and the patch. */
#ifndef TESTS_HOSTS_SOAK_MACHINE_H
#define TESTS_HOSTS_SOAK_MACHINE_H

#include <stdint.h>
#include <ucontext.h>

/* mov $0x2222,%eax in place of mov $0x1111,%eax */
static const uint8_t soak_patch[] = {0xB8, 0x22, 0x22, 0, 0};

static inline uintptr_t frame_pc_of(const ucontext_t *frame)
{
  return (uintptr_t)frame->uc_mcontext.gregs[REG_RIP];
}

static inline void frame_go_on(ucontext_t *frame, uintptr_t pc, long result)
{
  frame->uc_mcontext.gregs[REG_RIP] = (long long)pc;
  frame->uc_mcontext.gregs[REG_RAX] = result;
}

/* The pc is behind the breakpoint already. */
static inline void frame_skip_trap(ucontext_t *frame)
{
  (void)frame;
}

#endif
