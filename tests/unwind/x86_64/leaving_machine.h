#ifndef TESTS_UNWIND_LEAVING_MACHINE_H
#define TESTS_UNWIND_LEAVING_MACHINE_H

#include <cstring>

extern "C" {
#include "isa/x86_64/insn.h"
}

enum { MACHINE_UNWINDS_SIGNAL_RETURNS = 1 };

/* The function's first direct call of `target`, or of whatever where that is null. */
static inline uintptr_t machine_call_of(const void *function, const void *target)
{
  const uint8_t *at = (const uint8_t *)function;
  struct x64_insn insn;

  for (unsigned i = 0; i < 64 && x64_decode(at, X64_INSN_MAX, (uintptr_t)at, &insn); i++, at += insn.length)
    if (insn.kind == X64_CALL && (!target || insn.target == (uintptr_t)target))
      return (uintptr_t)at;
  return 0;
}

#endif
