/* Quick looks at AArch64 words. */
#include "resolve/shape.h"

#include "isa/aarch64/insn.h"

static uint32_t word_at(const uint8_t *code)
{
  uint32_t word;

  __builtin_memcpy(&word, code, sizeof word);
  return word;
}

bool shape_has_skippable_prefix(const uint8_t *code, size_t length)
{
  (void)code;                        /* instructions are words, and branches lead to words */
  (void)length;
  return false;
}

bool shape_may_branch_into(const uint8_t *code, size_t size, uintptr_t pc, uintptr_t low, uintptr_t high)
{
  for (size_t i = 0; i + sizeof(uint32_t) <= size; i += sizeof(uint32_t)) {
    struct a64_insn insn;

    a64_decode(word_at(code + i), pc + i, &insn);
    if (insn.has_target && insn.target - low < high - low)
      return true;
  }
  return false;
}

size_t shape_padding(const uint8_t *code, size_t size)
{
  (void)code;                        /* nobody needs the room */
  (void)size;
  return 0;
}


bool shape_find_cancellation(const uint8_t *code, size_t size, size_t *start, size_t *end)
{
  /* glibc's __syscall_cancel_arch and musl's __syscall_cp_asm from the check of the flag on: cbnz wN; mov x8,x1; mov x0,x2;
   * mov x1,x3; mov x2,x4; mov x3,x5; mov x4,x6; mov x5,x7; svc #0. The flag is loaded right before. */
  static const uint32_t call[] = {0xAA0103E8, 0xAA0203E0, 0xAA0303E1, 0xAA0403E2, 0xAA0503E3, 0xAA0603E4, 0xAA0703E5, 0xD4000001};

  for (size_t i = 0; i + sizeof call <= size; i += sizeof(uint32_t)) {
    size_t same = 0;

    while (same < sizeof call / sizeof *call && word_at(code + i + same * sizeof(uint32_t)) == call[same])
      same++;
    if (same < sizeof call / sizeof *call)
      continue;
    *start = i >= 2 * sizeof(uint32_t) ? i - 2 * sizeof(uint32_t) : 0;
    *end = i + sizeof call;
    return true;
  }
  return false;
}
