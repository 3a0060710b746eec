/* Quick looks at x86-64 bytes. */
#include "resolve/shape.h"

#include "isa/x86_64/insn.h"

static bool begins_with_prefix(const uint8_t *bytes)
{
  static const uint8_t prefixes[] = {0xF0, 0xF2, 0xF3, 0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65, 0x66, 0x67};

  for (unsigned i = 0; i < sizeof prefixes; i++)
    if (bytes[0] == prefixes[i])
      return true;
  return false;
}

bool shape_has_skippable_prefix(const uint8_t *code, size_t length)
{
  /* endbr64: F3 is no prefix that could be left away, and it stands at every entry of programs built for CET */
  if (length == 4 && code[0] == 0xF3 && code[1] == 0x0F && code[2] == 0x1E && code[3] == 0xFA)
    return false;
  return length > 1 && begins_with_prefix(code);
}

static bool is_short_branch(uint8_t opcode)
{
  return (opcode & 0xF0) == 0x70 || opcode == 0xEB || (opcode >= 0xE0 && opcode <= 0xE3);
}

/* call, jmp; jcc behind 0F; xbegin, whose F8 stands behind C7 */
static bool is_near_branch(uint8_t before, uint8_t opcode)
{
  return opcode == 0xE8 || opcode == 0xE9 || (before == 0x0F && (opcode & 0xF0) == 0x80) ||
         (before == 0xC7 && opcode == 0xF8);
}

bool shape_may_branch_into(const uint8_t *code, size_t size, uintptr_t pc, uintptr_t low, uintptr_t high)
{
  for (size_t i = 0; i + 1 < size; i++) {
    uintptr_t next = pc + i + 2;

    if (is_short_branch(code[i]) && next + (uintptr_t)(intptr_t)(int8_t)code[i + 1] - low < high - low)
      return true;
    if (i + 4 < size) {
      int32_t displacement;

      __builtin_memcpy(&displacement, code + i + 1, sizeof displacement);
      if (next + 3 + (uintptr_t)(intptr_t)displacement - low < high - low &&
          is_near_branch(i ? code[i - 1] : 0, code[i]))
        return true;
    }
  }
  return false;
}

size_t shape_padding(const uint8_t *code, size_t size)
{
  return x64_filler(code, size);
}

bool shape_find_cancellation(const uint8_t *code, size_t size, size_t *start, size_t *end)
{
  /* glibc's __syscall_cancel_arch and musl's __syscall_cp_asm from the check of the flag on: mov %rdi,%r11; mov
   * %rsi,%rax; mov %rdx,%rdi; mov %rcx,%rsi; mov %r8,%rdx; mov %r9,%r10; mov 8(%rsp),%r8; mov 16(%rsp),%r9; mov
   * %r11,8(%rsp); syscall */
  static const uint8_t call[] = {0x49, 0x89, 0xFB, 0x48, 0x89, 0xF0, 0x48, 0x89, 0xD7, 0x48, 0x89, 0xCE,
                                 0x4C, 0x89, 0xC2, 0x4D, 0x89, 0xCA, 0x4C, 0x8B, 0x44, 0x24, 0x08, 0x4C,
                                 0x8B, 0x4C, 0x24, 0x10, 0x4C, 0x89, 0x5C, 0x24, 0x08, 0x0F, 0x05};
  enum {
    CHECK_MAX = 12
  }; /* mov (%rdi),%eax; testb $n,(%rdi) or test %eax,%eax; jne */

  for (size_t i = 0; i + sizeof call <= size; i++) {
    size_t same = 0;

    while (same < sizeof call && code[i + same] == call[same])
      same++;
    if (same < sizeof call)
      continue;
    *start = i;
    *end = i + sizeof call;
    for (size_t back = 2; back <= CHECK_MAX && back <= i; back++)
      if (code[i - back] == 0x8B && code[i - back + 1] == 0x07)
        *start = i - back;
    return true;
  }
  return false;
}
