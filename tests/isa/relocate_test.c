/* The relocator against the vectors, and what it says about a pc inside the displaced form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "isa/x86_64/relocate.h"
#include "vectors.h"

static struct vector vectors[VECTORS_MAX];

static const char *refusal_name(enum x64_refusal refusal)
{
  switch (refusal) {
  case X64_RELOCATED:
    return "";
  case X64_UNDECODABLE:
    return "undecodable";
  case X64_OUT_OF_REACH:
    return "out_of_reach";
  case X64_FAR_TRANSFER:
    return "far_transfer";
  case X64_EIP_RELATIVE:
    return "eip_relative";
  case X64_PRIVILEGED_RETURN:
    return "privileged_return";
  case X64_NOT_RELOCATABLE:
    return "not_relocatable";
  }
  return "?";
}

/* From memory that ends with the instruction, so that the address sanitizer sees a look behind it. */
static enum x64_refusal relocate(const struct vector *vector, struct x64_displaced *displaced)
{
  uint8_t *bytes = malloc(vector->original.length);
  enum x64_refusal refusal;

  assert_non_null(bytes);
  memcpy(bytes, vector->original.bytes, vector->original.length);
  refusal = x64_relocate(bytes, vector->original.length, vector->at, vector->to, displaced);
  free(bytes);
  return refusal;
}

static void the_displaced_form_is_as_told(void **state)
{
  const struct vector *vector = *state;
  struct x64_displaced displaced;
  enum x64_refusal refusal = relocate(vector, &displaced);

  assert_string_equal(refusal_name(refusal), vector->refusal);
  assert_true(strlen(x64_refusal_text(refusal)) > 10);
  if (refusal != X64_RELOCATED)
    return;
  assert_int_equal(displaced.length, vector->displaced.length);
  assert_memory_equal(displaced.bytes, vector->displaced.bytes, displaced.length);
  assert_int_equal(displaced.exit_offset, vector->displaced.exit_offset);
}

/* One byte less is never enough, and one more changes nothing. */
static void no_byte_behind_the_instruction_is_looked_at(void **state)
{
  (void)state;
  for (const struct vector *vector = vectors; vector->name[0]; vector++) {
    struct x64_displaced displaced, longer;
    uint8_t bytes[VECTOR_BYTES + 1];
    unsigned length = vector->original.length;

    if (!strcmp(vector->refusal, "undecodable"))
      continue;
    memcpy(bytes, vector->original.bytes, length);
    bytes[length] = 0xCC;
    assert_int_equal(x64_relocate(bytes, length - 1, vector->at, vector->to, &displaced), X64_UNDECODABLE);
    assert_int_equal(x64_relocate(bytes, length + 1, vector->at, vector->to, &longer),
                     x64_relocate(bytes, length, vector->at, vector->to, &displaced));
    assert_memory_equal(&longer, &displaced, sizeof displaced);
  }
}

static struct x64_displaced displace(const char *code, size_t length, uint64_t from, uint64_t to, struct x64_insn *insn)
{
  struct x64_displaced displaced;

  assert_true(x64_decode((const uint8_t *)code, length, from, insn));
  assert_int_equal(x64_relocate((const uint8_t *)code, length, from, to, &displaced), X64_RELOCATED);
  return displaced;
}
#define DISPLACE(code, insn) displace((code), sizeof(code) - 1, 0x401000, 0x501000, (insn))

static void expect_pc(const struct x64_displaced *displaced, const struct x64_insn *insn, unsigned offset, uint64_t pc,
                      unsigned lowered)
{
  unsigned found;

  assert_int_equal(x64_original_pc(displaced, insn, 0x401000, offset, &found), pc);
  assert_int_equal(found, lowered);
}

static void a_pc_in_a_copy_is_the_site_then_the_next_instruction(void **state)
{
  struct x64_insn insn;
  struct x64_displaced displaced = DISPLACE("\x48\x89\xC8", &insn);

  (void)state;
  expect_pc(&displaced, &insn, 0, 0x401000, 0);
  expect_pc(&displaced, &insn, 2, 0x401000, 0);
  expect_pc(&displaced, &insn, 3, 0x401003, 0);
  expect_pc(&displaced, &insn, 7, 0x401003, 0);
}

static void a_pc_in_a_taken_loop_is_the_target(void **state)
{
  struct x64_insn insn;
  struct x64_displaced displaced = DISPLACE("\xE2\x10", &insn);

  (void)state;
  assert_int_equal(displaced.taken_offset, 7);
  expect_pc(&displaced, &insn, 0, 0x401000, 0);
  expect_pc(&displaced, &insn, 2, 0x401002, 0);
  expect_pc(&displaced, &insn, 7, 0x401012, 0);
}

static void a_pc_in_a_call_is_the_site_with_the_stack_pointer_lowered(void **state)
{
  struct x64_insn insn;
  struct x64_displaced displaced = DISPLACE("\xE8\x00\x10\x00\x00", &insn);

  (void)state;
  expect_pc(&displaced, &insn, 0, 0x401000, 0);
  expect_pc(&displaced, &insn, 6, 0x401000, 8);
  displaced = DISPLACE("\xFF\x50\x18", &insn);       /* call *0x18(%rax) */
  expect_pc(&displaced, &insn, 0, 0x401000, 0);
  expect_pc(&displaced, &insn, 8, 0x401000, 136);    /* where a bad operand faults */
  expect_pc(&displaced, &insn, 11, 0x401000, 144);
  expect_pc(&displaced, &insn, 33, 0x401000, 144);   /* where a bad target faults */
  displaced = DISPLACE("\xFF\xD4", &insn);           /* call *%rsp */
  expect_pc(&displaced, &insn, 1, 0x401000, 8);
  expect_pc(&displaced, &insn, 9, 0x401000, 136);
  expect_pc(&displaced, &insn, 16, 0x401000, 144);
}

static void a_breakpoint_tells_where_it_is_met(void **state)
{
  struct x64_insn insn;

  (void)state;
  assert_int_equal(DISPLACE("\xCC", &insn).trap_offset, 0);
  assert_int_equal(DISPLACE("\x48\xCC", &insn).trap_offset, 1);
  assert_int_equal(DISPLACE("\xCD\x03", &insn).trap_offset, 1);      /* pc - 1 is the same for both */
  assert_int_equal(DISPLACE("\xCD\x80", &insn).trap_offset, 0xFF);
  assert_int_equal(DISPLACE("\x90", &insn).trap_offset, 0xFF);
}

static void expect_relocatable_at(const uint8_t *bytes, size_t length, uint64_t from, uint64_t to, bool possible)
{
  struct x64_displaced displaced;

  assert_int_equal(x64_relocate(bytes, length, from, to, &displaced), possible ? X64_RELOCATED : X64_OUT_OF_REACH);
}

static void reach_is_what_it_says(void **state)
{
  static const uint64_t sites[] = {0x401000, 0x555555555000, 0x7FFFF7DD5000};
  static const uint8_t load[] = {0x48, 0x8B, 0x05, 0x00, 0x10, 0x00, 0x00};
  static const uint8_t begin[] = {0xC7, 0xF8, 0x00, 0x10, 0x00, 0x00};
  uint64_t low, high;
  struct x64_insn insn;

  (void)state;
  for (unsigned i = 0; i < sizeof sites / sizeof sites[0]; i++) {
    assert_true(x64_decode(load, sizeof load, sites[i], &insn));
    x64_reach(&insn, sites[i], &low, &high);
    assert_true(low <= sites[i] && sites[i] <= high);
    assert_true(high - sites[i] > UINT64_C(0x7FFF0000) && (low == 0 || sites[i] - low > UINT64_C(0x7FFE0000)));
    expect_relocatable_at(load, sizeof load, sites[i], low, true);
    expect_relocatable_at(load, sizeof load, sites[i], high, true);
    expect_relocatable_at(load, sizeof load, sites[i], high + 0x4000, false);
    assert_true(x64_decode(begin, sizeof begin, sites[i], &insn));
    x64_reach(&insn, sites[i], &low, &high);
    expect_relocatable_at(begin, sizeof begin, sites[i], low, true);
    expect_relocatable_at(begin, sizeof begin, sites[i], high, true);
    expect_relocatable_at(begin, sizeof begin, sites[i], high + 0x4000, false);
  }
}

static void branches_reach_everything(void **state)
{
  static const uint8_t branches[][6] = {
      {0xE8, 0, 0, 0, 0}, {0xE9, 0, 0, 0, 0}, {0x74, 0}, {0xE2, 0}, {0x0F, 0x05}, {0xC3}, {0xFF, 0xD0}, {0x90}};
  uint64_t low, high;
  struct x64_insn insn;

  (void)state;
  for (unsigned i = 0; i < sizeof branches / sizeof branches[0]; i++) {
    assert_true(x64_decode(branches[i], 6, 0x401000, &insn));
    x64_reach(&insn, 0x401000, &low, &high);
    assert_true(low == 0 && high == UINT64_MAX);
    expect_relocatable_at(branches[i], insn.length, 0x401000, 0x7FFFFFFFF000, true);
    expect_relocatable_at(branches[i], insn.length, 0x7FFFFFFFF000, 0x10000, true);
  }
}

/* A program that has alignment checks on (AC) may come by. */
static void constants_are_aligned(void **state)
{
  static const uint8_t call[] = {0xE8, 0, 0x10, 0, 0};
  const uint64_t next = 0x401000 + sizeof call;

  (void)state;
  for (uint64_t to = 0x7F0000001000; to < 0x7F0000001010; to++) {
    struct x64_displaced displaced;
    unsigned disp, at;

    assert_int_equal(x64_relocate(call, sizeof call, 0x401000, to, &displaced), X64_RELOCATED);
    disp = displaced.bytes[2];                         /* push disp(%rip) */
    at = 6 + disp;
    assert_int_equal((to + at) % 8, 0);
    assert_memory_equal(displaced.bytes + at, &next, sizeof next);
    assert_int_equal(displaced.length, at + 16);
    assert_int_equal(displaced.exit_offset, 12);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest others[] = {
      cmocka_unit_test(no_byte_behind_the_instruction_is_looked_at),
      cmocka_unit_test(a_pc_in_a_copy_is_the_site_then_the_next_instruction),
      cmocka_unit_test(a_pc_in_a_taken_loop_is_the_target),
      cmocka_unit_test(a_pc_in_a_call_is_the_site_with_the_stack_pointer_lowered),
      cmocka_unit_test(a_breakpoint_tells_where_it_is_met),
      cmocka_unit_test(reach_is_what_it_says),
      cmocka_unit_test(branches_reach_everything),
      cmocka_unit_test(constants_are_aligned),
  };
  static struct CMUnitTest tests[VECTORS_MAX];
  size_t count = argc == 2 ? vectors_read(argv[1], vectors) : 0;

  if (!count) {
    fprintf(stderr, "usage: %s FILE\n", argv[0]);
    return 1;
  }
  for (size_t i = 0; i < count; i++)
    tests[i] = (struct CMUnitTest){vectors[i].name, the_displaced_form_is_as_told, NULL, NULL, &vectors[i]};
  return _cmocka_run_group_tests("vectors", tests, count, NULL, NULL) + cmocka_run_group_tests(others, NULL, NULL);
}
