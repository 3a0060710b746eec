#ifndef TESTS_TRUTH_STEPPING_MACHINE_H
#define TESTS_TRUTH_STEPPING_MACHINE_H

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include "isa/aarch64/insn.h"

/* Between two steps the processor forgets what a load-exclusive holds, so its sequence would be run for ever. Libraries use
 * atomic instructions instead where the processor has them. */
static inline uintptr_t stepping_pc(pid_t child)
{
  struct user_regs_struct registers = {0};
  struct iovec part = {&registers, sizeof registers};
  struct a64_insn insn;

  ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &part);
  a64_decode(*(const uint32_t *)registers.pc, registers.pc, &insn);
  assert_int_not_equal(insn.kind, A64_LOAD_EXCLUSIVE);
  return registers.pc;
}

static inline void stepping_end(pid_t child)
{
  (void)child;
}

#endif
