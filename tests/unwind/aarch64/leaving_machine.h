#ifndef TESTS_UNWIND_LEAVING_MACHINE_H
#define TESTS_UNWIND_LEAVING_MACHINE_H

#include <cstring>

extern "C" {
#include "isa/aarch64/insn.h"
}

/* libgcc knows the trampoline by its first instruction: a thread that is interrupted at the second is not unwound, hooks or none. */
enum { MACHINE_UNWINDS_SIGNAL_RETURNS = 0 };

/* The function's first direct call of `target`, or of whatever where that is null. */
static inline uintptr_t machine_call_of(const void *function, const void *target)
{
  for (unsigned i = 0; i < 64; i++) {
    uintptr_t at = (uintptr_t)function + i * sizeof(uint32_t);
    struct a64_insn insn;
    uint32_t word;

    std::memcpy(&word, (const void *)at, sizeof word);
    a64_decode(word, at, &insn);
    if (insn.kind == A64_BL && (!target || insn.target == (uintptr_t)target))
      return at;
  }
  return 0;
}

#endif
