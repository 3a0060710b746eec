/* x86-64. A stub is `jmp *slot(%rip)`, perhaps behind endbr64 and bnd (System V psABI x86-64, 5.2). */
#include "arch.h"

#include <string.h>
#include "host/host.h"

enum { JUMP_LENGTH = 6, ENDBR64_LENGTH = 4, BND = 0xF2 };

const struct arch arch = {.elf = EM_X86_64,
                          .foreign = "is not a 64-bit x86 program",
                          .jump_slot = R_X86_64_JUMP_SLOT,
                          .global_data = R_X86_64_GLOB_DAT,
                          .choice = R_X86_64_IRELATIVE,
                          .shadow_stack = "shadow stack",
                          .call = "\x0F\x05",            /* syscall */
                          .call_length = 2,
                          .number_length = 5};

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

/* Registers by their numbers; and the stack, where glibc since 2.41 passes the number of a call that can be cancelled. */
enum { EAX = 0, EDI = 7, NO_REGISTER = 16, STACK };

/* What is known of eax: `from` is the register that it was copied from. */
struct known {
  bool has_number;
  uint32_t number;
  unsigned from;
  size_t set_at;
  bool may_come;                       /* a wanted number was loaded into some register */
};

/* mov $number,%register: B8+r, perhaps behind REX.B */
static bool loads(const uint8_t *insn, unsigned *to, uint32_t *number)
{
  bool high = insn[0] == 0x41;

  insn += high;
  if ((insn[0] & 0xF8) != 0xB8)
    return false;
  *to = (insn[0] & 7u) + (high ? 8 : 0);
  memcpy(number, insn + 1, sizeof *number);
  return true;
}

/* Where mov copies to eax or rax from. */
static unsigned copied_from(const uint8_t *insn, size_t length)
{
  unsigned rex = (insn[0] & 0xF0) == 0x40 ? insn[0] : 0;
  const uint8_t *code = insn + (rex != 0);

  if (length == 5 && memcmp(insn, "\x48\x8B\x44\x24", 4) == 0)       /* mov displacement(%rsp),%rax */
    return STACK;
  if (length != 2u + (rex != 0))
    return NO_REGISTER;
  if (code[0] == 0x89 && (code[1] & 0xC7) == 0xC0 && !(rex & 1))
    return (code[1] >> 3 & 7u) + (rex & 4 ? 8 : 0);
  if (code[0] == 0x8B && (code[1] & 0xF8) == 0xC0 && !(rex & 4))
    return (code[1] & 7u) + (rex & 1 ? 8 : 0);
  return NO_REGISTER;
}

static void learn(struct known *eax, const uint8_t *insn, size_t length, size_t at, bool (*wanted)(uint32_t number))
{
  unsigned from = copied_from(insn, length), to;
  uint32_t number;

  if (from != NO_REGISTER) {
    eax->has_number = false;
    eax->from = from;
  } else if (loads(insn, &to, &number)) {
    eax->may_come |= wanted(number);
    if (to != EAX)
      return;
    eax->has_number = true;
    eax->number = number;
    eax->from = NO_REGISTER;
    eax->set_at = at;
  }
}

/* By the bytes alone: whether decoding is worth its time. */
static bool may_have_call(const uint8_t *code, size_t size, bool (*wanted)(uint32_t number))
{
  for (size_t at = 0; at + arch.number_length < size; at++) {
    uint32_t number;
    unsigned to;

    if ((loads(code + at, &to, &number) && wanted(number)) || copied_from(code + at, 2) == EDI ||
        copied_from(code + at, 3) == EDI || copied_from(code + at, 5) == STACK)
      return true;
  }
  return false;
}

bool arch_find_call(const uint8_t *code, size_t size, size_t *from, bool (*wanted)(uint32_t number), struct arch_call *call)
{
  struct known eax = {.from = NO_REGISTER};

  if (*from == 0 && !may_have_call(code, size, wanted))
    return false;
  for (size_t at = 0, length; (length = at < size ? host_insn_length(code + at, size - at) : 0); at += length) {
    bool is_passed = eax.from == EDI || eax.from == STACK;
    bool suits = eax.has_number ? wanted(eax.number) : is_passed || (eax.from != NO_REGISTER && eax.may_come);

    if (length == arch.call_length && memcmp(code + at, arch.call, arch.call_length) == 0) {
      bool adjacent = eax.has_number && eax.set_at + arch.number_length == at;

      *call = (struct arch_call){.at = adjacent ? eax.set_at : at, .end = at + length};
      call->number = eax.has_number ? eax.number : ARCH_CALL_ANY;
      eax = (struct known){.from = NO_REGISTER, .may_come = eax.may_come};
      if (suits && at >= *from) {
        *from = at + length;
        return true;
      }
    } else {
      learn(&eax, code + at, length, at, wanted);
    }
  }
  return false;
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
