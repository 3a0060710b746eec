/* What the decoder says of one instruction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "isa/x86_64/insn.h"

enum { PC = 0x401000 };

struct facts {
  const char *name, *bytes;
  unsigned length;
  enum x64_kind kind;
  bool falls_through;
  uint64_t target, operand_address;   /* 0: none */
  unsigned disp_offset, prefix_length;
};

static const struct facts table[] = {
    {"push is ordinary", "\x55", 1, X64_ORDINARY, true, 0, 0, 0, 0},
    {"REX is no prefix", "\x48\x89\xE5", 3, X64_ORDINARY, true, 0, 0, 0, 0},
    {"66 is a prefix", "\x66\x48\x0F\x6E\xC0", 5, X64_ORDINARY, true, 0, 0, 0, 1},
    {"two prefixes", "\xF3\x66\x90", 3, X64_ORDINARY, true, 0, 0, 0, 2},
    {"call", "\xE8\x00\x01\x00\x00", 5, X64_CALL, true, PC + 0x105, 0, 0, 0},
    {"call with prefixes", "\x66\x66\x48\xE8\x00\x01\x00\x00", 8, X64_CALL, true, PC + 0x108, 0, 0, 2},
    {"call through memory", "\xFF\x15\x00\x01\x00\x00", 6, X64_CALL_INDIRECT, true, 0, PC + 0x106, 2, 0},
    {"call through a register", "\x41\xFF\xD4", 3, X64_CALL_INDIRECT, true, 0, 0, 0, 0},
    {"jmp rel8", "\xEB\xFE", 2, X64_JMP, false, PC, 0, 0, 0},
    {"jmp rel32", "\xE9\xFB\xFF\xFF\xFF", 5, X64_JMP, false, PC, 0, 0, 0},
    {"bnd jmp through memory", "\xF2\xFF\x25\x10\x00\x00\x00", 7, X64_JMP_INDIRECT, false, 0, PC + 0x17, 3, 1},
    {"notrack jmp", "\x3E\xFF\xE0", 3, X64_JMP_INDIRECT, false, 0, 0, 0, 1},
    {"jne rel8", "\x75\x80", 2, X64_JCC, true, PC + 2 - 0x80, 0, 0, 0},
    {"jg rel32", "\x0F\x8F\x00\x00\x00\x80", 6, X64_JCC, true, PC + 6 - UINT64_C(0x80000000), 0, 0, 0},
    {"loopne", "\xE0\x10", 2, X64_LOOP, true, PC + 0x12, 0, 0, 0},
    {"jecxz", "\x67\xE3\x10", 3, X64_LOOP, true, PC + 0x13, 0, 0, 1},
    {"xbegin", "\xC7\xF8\x00\x01\x00\x00", 6, X64_XBEGIN, true, PC + 0x106, 0, 0, 0},
    {"ret", "\xC3", 1, X64_RET, false, 0, 0, 0, 0},
    {"ret imm16", "\xC2\x08\x00", 3, X64_RET, false, 0, 0, 0, 0},
    {"syscall", "\x0F\x05", 2, X64_SYSCALL, true, 0, 0, 0, 0},
    {"int3", "\xCC", 1, X64_INT3, true, 0, 0, 0, 0},
    {"int 3", "\xCD\x03", 2, X64_INT3, true, 0, 0, 0, 0},
    {"int 0x80", "\xCD\x80", 2, X64_ORDINARY, true, 0, 0, 0, 0},
    {"ud2", "\x0F\x0B", 2, X64_ORDINARY, false, 0, 0, 0, 0},
    {"hlt", "\xF4", 1, X64_ORDINARY, false, 0, 0, 0, 0},
    {"far call", "\xFF\x18", 2, X64_FAR, true, 0, 0, 0, 0},
    {"far jump", "\xFF\x28", 2, X64_FAR, false, 0, 0, 0, 0},
    {"iretq", "\x48\xCF", 2, X64_FAR, false, 0, 0, 0, 0},
    {"sysret", "\x0F\x07", 2, X64_OWN_ADDRESS, false, 0, 0, 0, 0},
    {"enclu", "\x0F\x01\xD7", 3, X64_OWN_ADDRESS, true, 0, 0, 0, 0},
    {"load", "\x48\x8B\x05\xF9\xFF\xFF\xFF", 7, X64_ORDINARY, true, 0, PC, 3, 0},
    {"immediate last", "\xC7\x05\x00\x00\x00\x00\x11\x22\x33\x44", 10, X64_ORDINARY, true, 0, PC + 10, 2, 0},
    {"VEX", "\xC5\xFC\x28\x0D\x00\x10\x00\x00", 8, X64_ORDINARY, true, 0, PC + 0x1008, 4, 0},
    {"EVEX", "\x62\xE1\xFE\x48\x6F\x0D\x00\x10\x00\x00", 10, X64_ORDINARY, true, 0, PC + 0x100A, 6, 0},
    {"no base is not rip", "\x8B\x04\x25\x00\x10\x00\x00", 7, X64_ORDINARY, true, 0, 0, 0, 0},
    {"rbp is not rip", "\x8B\x45\x00", 3, X64_ORDINARY, true, 0, 0, 0, 0},
    {"a control register has no operand", "\x0F\x20\x05", 3, X64_ORDINARY, true, 0, 0, 0, 0},
};

static void the_facts_are_right(void **state)
{
  const struct facts *facts = *state;
  const uint8_t *bytes = (const uint8_t *)facts->bytes;
  struct x64_insn insn;

  assert_true(x64_decode(bytes, facts->length, PC, &insn));
  assert_int_equal(x64_length(bytes, facts->length), facts->length);
  assert_int_equal(x64_length(bytes, facts->length - 1), 0);
  assert_false(x64_decode(bytes, facts->length - 1, PC, &(struct x64_insn){0}));
  assert_int_equal(insn.length, facts->length);
  assert_int_equal(insn.kind, facts->kind);
  assert_int_equal(insn.falls_through, facts->falls_through);
  assert_int_equal(insn.has_target, facts->target != 0);
  assert_int_equal(insn.target, facts->target);
  assert_int_equal(insn.rip_relative, facts->operand_address != 0);
  assert_int_equal(insn.operand_address, facts->operand_address);
  assert_int_equal(insn.disp_offset, facts->disp_offset);
  assert_int_equal(insn.prefix_length, facts->prefix_length);
}

static void what_no_processor_runs_is_no_instruction(void **state)
{
  static const char *const invalid[] = {"\x06", "\xD6", "\xF0\x89\xC8", "\xC5\xC4\x84\x11\x11\x11\x11",
                                        "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90"};

  (void)state;
  for (unsigned i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
    struct x64_insn insn;

    assert_false(x64_decode((const uint8_t *)invalid[i], strlen(invalid[i]), PC, &insn));
    assert_int_equal(x64_length((const uint8_t *)invalid[i], strlen(invalid[i])), 0);
  }
  assert_int_equal(x64_length((const uint8_t *)"", 0), 0);
}

int main(void)
{
  enum { COUNT = sizeof table / sizeof table[0] };
  const struct CMUnitTest others[] = {cmocka_unit_test(what_no_processor_runs_is_no_instruction)};
  struct CMUnitTest tests[COUNT];

  for (unsigned i = 0; i < COUNT; i++)
    tests[i] = (struct CMUnitTest){table[i].name, the_facts_are_right, NULL, NULL, (void *)(uintptr_t)&table[i]};
  return _cmocka_run_group_tests("insn", tests, COUNT, NULL, NULL) + cmocka_run_group_tests(others, NULL, NULL);
}
