#ifndef TESTS_UNWIND_TRACED_MACHINE_H
#define TESTS_UNWIND_TRACED_MACHINE_H

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/user.h>
#include <ucontext.h>
#include <sighook/sighook.h>

enum { MACHINE_TRAP_CODE = TRAP_BRKPT };
#define MACHINE_FLAGS UINT64_C(0xF0000000)
#define MACHINE_BREAKPOINT() __asm__ volatile("brk #1")

/* Calls it with every register filled. */
long call_filled(const void *function);

static inline uintptr_t machine_pc(const struct user_regs_struct *registers)
{
  return registers->pc;
}

static inline uintptr_t machine_pc_of(const void *ucontext)
{
  return ((const ucontext_t *)ucontext)->uc_mcontext.pc;
}

static inline void machine_context(const ucontext_t *from, sighook_context *context)
{
  memset(context, 0, sizeof *context);
  memcpy(context->x, from->uc_mcontext.regs, sizeof context->x);
  context->sp = from->uc_mcontext.sp;
  context->pc = from->uc_mcontext.pc;
  context->cpsr = (uint32_t)(from->uc_mcontext.pstate & MACHINE_FLAGS);
}

static inline void machine_set_argument(ucontext_t *ucontext, uint64_t value)
{
  ucontext->uc_mcontext.regs[0] = value;
}

/* Behind the instruction that is none. */
static inline void machine_step_over_illegal(ucontext_t *ucontext)
{
  ucontext->uc_mcontext.pc += 4;
}

static inline uintptr_t context_pc(const sighook_context *context)
{
  return context->pc;
}

#endif
