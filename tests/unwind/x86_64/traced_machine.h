#ifndef TESTS_UNWIND_TRACED_MACHINE_H
#define TESTS_UNWIND_TRACED_MACHINE_H

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/user.h>
#include <ucontext.h>
#include <sighook/sighook.h>

enum { MACHINE_TRAP_CODE = SI_KERNEL, MACHINE_FLAGS = 0xCD5 };     /* CF PF AF ZF SF OF DF: not TF, with which it is stepped */
#define MACHINE_BREAKPOINT() __asm__ volatile("int3")

/* Calls it with every register filled. */
long call_filled(const void *function);

static inline uintptr_t machine_pc(const struct user_regs_struct *registers)
{
  return registers->rip;
}

static inline uintptr_t machine_pc_of(const void *ucontext)
{
  return (uintptr_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
}

static inline void machine_context(const ucontext_t *from, sighook_context *context)
{
  memset(context, 0, sizeof *context);
  for (unsigned i = 0; i <= REG_RIP; i++)
    ((uint64_t *)context)[i] = (uint64_t)from->uc_mcontext.gregs[i];
  context->eflags = (uint64_t)from->uc_mcontext.gregs[REG_EFL] & MACHINE_FLAGS;
}

static inline void machine_set_argument(ucontext_t *ucontext, uint64_t value)
{
  ucontext->uc_mcontext.gregs[REG_RDI] = (greg_t)value;
}

/* Behind the instruction that is none. */
static inline void machine_step_over_illegal(ucontext_t *ucontext)
{
  ucontext->uc_mcontext.gregs[REG_RIP] += 2;
}

static inline uintptr_t context_pc(const sighook_context *context)
{
  return context->rip;
}

#endif
