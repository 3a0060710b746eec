/* Instructions that raise signals, on AArch64: functions that answer their argument, once each is stepped over. */
#ifndef TESTS_SIGNALS_FAULTS_H
#define TESTS_SIGNALS_FAULTS_H

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

long breaks(long);
long illegal(long);
extern const uint8_t breaks_at[], illegal_at[];
__asm__(".text\n\t.p2align 4\n\t.globl breaks, breaks_at, illegal, illegal_at\n"
        "\t.type breaks, %function\nbreaks:\n\t.cfi_startproc\n\tnop\nbreaks_at:\n\tbrk #7\n\tret\n\t.cfi_endproc\n"
        "\t.size breaks, . - breaks\n"
        "\t.type illegal, %function\nillegal:\n\t.cfi_startproc\n\tnop\nillegal_at:\n\tudf #0\n\tret\n\t.cfi_endproc\n"
        "\t.size illegal, . - illegal\n");

enum {
  BREAKPOINT_CODE = TRAP_BRKPT,
  BREAKPOINT_BEHIND = 0
}; /* its si_code; how far behind it the pc is */

static inline uintptr_t signal_pc(const void *context)
{
  return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
}

static inline void signal_set_pc(void *context, uintptr_t pc)
{
  ((ucontext_t *)context)->uc_mcontext.pc = pc;
}

static inline void signal_set_result(void *context, long result)
{
  ((ucontext_t *)context)->uc_mcontext.regs[0] = (uint64_t)result;
}

/* Where to go on behind one of the two. */
static inline uintptr_t behind_fault(uintptr_t pc)
{
  return pc + 4;
}

#endif
