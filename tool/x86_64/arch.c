/* x86-64. A stub is `jmp *slot(%rip)`, perhaps behind endbr64 and bnd (System V psABI x86-64, 5.2). */
#include "arch.h"

#include <string.h>

enum { JUMP_LENGTH = 6, ENDBR64_LENGTH = 4, BND = 0xF2 };

const struct arch arch = {.elf = EM_X86_64,
                          .foreign = "is not a 64-bit x86 program",
                          .jump_slot = R_X86_64_JUMP_SLOT,
                          .global_data = R_X86_64_GLOB_DAT,
                          .choice = R_X86_64_IRELATIVE,
                          .shadow_stack = "shadow stack"};

size_t arch_next_stub(const uint8_t *code, size_t size, uint64_t address, size_t at, struct arch_stub *stub)
{
  for (; at + JUMP_LENGTH <= size; at++) {
    int32_t displacement;
    size_t entry = at;

    if (code[at] != 0xFF || code[at + 1] != 0x25)          /* jmp *displacement(%rip) */
      continue;
    memcpy(&displacement, code + at + 2, sizeof displacement);
    if (entry && code[entry - 1] == BND)
      entry--;
    if (entry >= ENDBR64_LENGTH && memcmp(code + entry - ENDBR64_LENGTH, "\xF3\x0F\x1E\xFA", ENDBR64_LENGTH) == 0)
      entry -= ENDBR64_LENGTH;
    *stub = (struct arch_stub){.entry = address + entry,
                                  .slot = address + at + JUMP_LENGTH + (uint64_t)(int64_t)displacement};
    return at + JUMP_LENGTH;
  }
  return 0;
}

const char *arch_mappings(void)
{
  return "maps";
}

/* Linux, Documentation/arch/x86/shstk.rst: "x86_Thread_features: shstk wrss". */
bool arch_tells_shadow_stack(const char *status)
{
  const char *line = strstr(status, "\nx86_Thread_features:"), *word = line ? strstr(line, "shstk") : NULL;

  return word && word < line + 1 + strcspn(line + 1, "\n");
}

/* System V psABI x86-64, 4.4.1. */
uint64_t arch_resolve(uint64_t resolver)
{
  return ((uint64_t(*)(void))(uintptr_t)resolver)();
}
