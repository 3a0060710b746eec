/* What the decoder says of one A64 instruction, what the fields and words of encode.h are, and which instructions lie
 * between a load-exclusive and its store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "isa/aarch64/encode.h"
#include "isa/aarch64/insn.h"

enum { PC = 0x401004 };

struct facts {
  const char *name;
  uint32_t word;
  enum a64_kind kind;
  bool falls_through, authenticated;
  uint64_t target, operand_address;   /* 0: none */
};

static const struct facts table[] = {
    {"a move is ordinary", 0xAA0003E1, A64_ORDINARY, true, false, 0, 0},
    {"adr", 0x70000001, A64_ADR, true, false, 0, PC + 3},
    {"adr backwards", 0x10FFFFE1, A64_ADR, true, false, 0, PC - 4},
    {"adrp", 0xB0000001, A64_ADRP, true, false, 0, 0x402000},
    {"adrp backwards", 0x90FFFFE1, A64_ADRP, true, false, 0, 0x3FD000},
    {"ldr w literal", 0x18000041, A64_LDR_LITERAL, true, false, 0, PC + 8},
    {"ldr x literal", 0x58FFFFE1, A64_LDR_LITERAL, true, false, 0, PC - 4},
    {"ldrsw literal", 0x98000041, A64_LDR_LITERAL, true, false, 0, PC + 8},
    {"prfm literal", 0xD8000040, A64_PRFM_LITERAL, true, false, 0, PC + 8},
    {"ldr s literal", 0x1C000041, A64_LDR_LITERAL_FP, true, false, 0, PC + 8},
    {"ldr d literal", 0x5C000041, A64_LDR_LITERAL_FP, true, false, 0, PC + 8},
    {"ldr q literal", 0x9C800001, A64_LDR_LITERAL_FP, true, false, 0, PC - 0x100000},
    {"no literal", 0xDC000041, A64_ORDINARY, true, false, 0, 0},
    {"b", 0x14000040, A64_B, false, false, PC + 0x100, 0},
    {"b, the farthest back", 0x16000000, A64_B, false, false, PC - UINT64_C(0x8000000), 0},
    {"bl", 0x97FFFFFF, A64_BL, true, false, PC - 4, 0},
    {"b.le", 0x5400002D, A64_B_COND, true, false, PC + 4, 0},
    {"b.al", 0x5400002E, A64_B_COND, false, false, PC + 4, 0},
    {"b.nv", 0x5400002F, A64_B_COND, false, false, PC + 4, 0},
    {"bc.eq", 0x54FFFFF0, A64_B_COND, true, false, PC - 4, 0},
    {"cbz", 0x34000021, A64_CBZ, true, false, PC + 4, 0},
    {"cbnz", 0xB5FFFFE1, A64_CBZ, true, false, PC - 4, 0},
    {"tbz", 0x36F80021, A64_TBZ, true, false, PC + 4, 0},
    {"tbz, the farthest back", 0x36040001, A64_TBZ, true, false, PC - 0x8000, 0},
    {"cbgt", 0x74052005, A64_CBZ, true, false, PC - 0x400, 0},
    {"cbgt of 64 bits", 0xF4051FE5, A64_CBZ, true, false, PC + 0x3FC, 0},
    {"cbgt with a number", 0x751F9FE5, A64_CBZ, true, false, PC + 0x3FC, 0},
    {"cbbeq", 0x74C5A005, A64_CBZ, true, false, PC - 0x400, 0},
    {"cbhne", 0x74E5E005, A64_CBZ, true, false, PC - 0x400, 0},
    {"cb of no condition", 0x74852005, A64_ORDINARY, true, false, 0, 0},
    {"cb of no size", 0x74056005, A64_ORDINARY, true, false, 0, 0},
    {"br", 0xD61F00A0, A64_BR, false, false, 0, 0},
    {"braa", 0xD71F08A6, A64_BR, false, true, 0, 0},
    {"blr", 0xD63F0100, A64_BLR, true, false, 0, 0},
    {"blrab", 0xD73F0C3F, A64_BLR, true, true, 0, 0},
    {"blraaz", 0xD63F083F, A64_BLR, true, true, 0, 0},
    {"ret", 0xD65F03C0, A64_RET, false, false, 0, 0},
    {"retaasppcr", 0xD65F0BE2, A64_RET, false, true, 0, 0},
    {"retabsppc", 0x5520023F, A64_RET, false, true, 0, 0},
    {"eret", 0xD69F03E0, A64_ERET, false, false, 0, 0},
    {"eretaa", 0xD69F0BFF, A64_ERET, false, true, 0, 0},
    {"drps", 0xD6BF03E0, A64_ORDINARY, true, false, 0, 0},
    {"svc", 0xD4000001, A64_SVC, true, false, 0, 0},
    {"brk", 0xD43E01A0, A64_BRK, true, false, 0, 0},
    {"hlt", 0xD45E0000, A64_HLT, true, false, 0, 0},
    {"udf", 0x00000001, A64_UDF, false, false, 0, 0},
    {"not udf", 0x00010000, A64_ORDINARY, true, false, 0, 0},
    {"bti", 0xD503241F, A64_LANDING_PAD, true, false, 0, 0},
    {"bti c", 0xD503245F, A64_LANDING_PAD, true, false, 0, 0},
    {"paciasp", 0xD503233F, A64_LANDING_PAD, true, false, 0, 0},
    {"pacibsp", 0xD503237F, A64_LANDING_PAD, true, false, 0, 0},
    {"paciasppc", 0xDAC1A3FE, A64_LANDING_PAD, true, false, 0, 0},
    {"pacnbiasppc is no pad", 0xDAC183FE, A64_ORDINARY, true, false, 0, 0},
    {"autiasp is no pad", 0xD50323BF, A64_ORDINARY, true, false, 0, 0},
    {"paciaz is no pad", 0xD503231F, A64_ORDINARY, true, false, 0, 0},
    {"ldxrb", 0x085F7C41, A64_LOAD_EXCLUSIVE, true, false, 0, 0},
    {"ldaxp", 0xC87F8C41, A64_LOAD_EXCLUSIVE, true, false, 0, 0},
    {"ldtxr", 0xC95F7FE9, A64_LOAD_EXCLUSIVE, true, false, 0, 0},
    {"stxrb", 0x08057C41, A64_STORE_EXCLUSIVE, true, false, 0, 0},
    {"stlxr", 0xC805FC41, A64_STORE_EXCLUSIVE, true, false, 0, 0},
    {"stlxp", 0xC8258C41, A64_STORE_EXCLUSIVE, true, false, 0, 0},
    {"stltxr", 0x8902FFE4, A64_STORE_EXCLUSIVE, true, false, 0, 0},
    {"casp is not exclusive", 0x48207C82, A64_ORDINARY, true, false, 0, 0},
    {"cas is not exclusive", 0xC8A07C81, A64_ORDINARY, true, false, 0, 0},
    {"cast is not exclusive", 0xC9807C41, A64_ORDINARY, true, false, 0, 0},
    {"ldar is not exclusive", 0xC8DFFC41, A64_ORDINARY, true, false, 0, 0},
    {"stlr is not exclusive", 0xC89FFC41, A64_ORDINARY, true, false, 0, 0},
    {"clrex", 0xD5033F5F, A64_CLREX, true, false, 0, 0},
    {"dmb is not clrex", 0xD5033BBF, A64_ORDINARY, true, false, 0, 0},
    {"cpyfp", 0x19020461, A64_MOPS_PROLOGUE, true, false, 0, 0},
    {"cpyertn", 0x1D82E461, A64_MOPS_EPILOGUE, true, false, 0, 0},
    {"setgmt", 0x1DC45461, A64_MOPS_MAIN, true, false, 0, 0},
    {"seten", 0x19C4A461, A64_MOPS_EPILOGUE, true, false, 0, 0},
    {"set of no stage", 0x19C4C461, A64_ORDINARY, true, false, 0, 0},
    {"ldtadd is not cpy", 0x192704BF, A64_ORDINARY, true, false, 0, 0},
};

static void the_facts_are_right(void **state)
{
  const struct facts *facts = *state;
  struct a64_insn insn;

  a64_decode(facts->word, PC, &insn);
  assert_int_equal(insn.kind, facts->kind);
  assert_int_equal(insn.falls_through, facts->falls_through);
  assert_int_equal(insn.authenticated, facts->authenticated);
  assert_int_equal(insn.has_target, facts->target != 0);
  assert_int_equal(insn.target, facts->target);
  assert_int_equal(insn.has_operand, facts->operand_address != 0);
  assert_int_equal(insn.operand_address, facts->operand_address);
}

static void registers_are_where_they_stand(void **state)
{
  struct a64_insn insn;

  (void)state;
  a64_decode(0x8B030041, PC, &insn);   /* add x1,x2,x3 */
  assert_true(insn.rd == 1 && insn.rn == 2 && insn.rm == 3);
  a64_decode(0xD73F0909, PC, &insn);   /* blraa x8,x9 */
  assert_true(insn.rn == 8 && insn.rm == 9);
  a64_decode(0xD63F091F, PC, &insn);   /* blraaz x8 */
  assert_true(insn.rn == 8 && insn.rm == 31);
}

/* Through every value of a field: the getter finds what the setter put, and no other bit changes. */
#define EXPECT_FIELD(name, width) \
  for (uint32_t value = 0; value < UINT32_C(1) << (width); value += (width) > 16 ? 977 : 1) { \
    uint32_t zeros = a64_set_##name(0, value), ones = a64_set_##name(UINT32_MAX, value); \
\
    assert_true(a64_get_##name(zeros) == value && a64_get_##name(ones) == value); \
    assert_int_equal(zeros ^ ones, ~a64_set_##name(0, UINT32_MAX)); \
  }

static void setting_and_getting_a_field_are_inverse(void **state)
{
  (void)state;
  EXPECT_FIELD(rd, 5)
  EXPECT_FIELD(rn, 5)
  EXPECT_FIELD(rt2, 5)
  EXPECT_FIELD(rm, 5)
  EXPECT_FIELD(cond, 4)
  EXPECT_FIELD(imm16, 16)
  EXPECT_FIELD(hw, 2)
  EXPECT_FIELD(imm12, 12)
  EXPECT_FIELD(imm9, 9)
  EXPECT_FIELD(imm7, 7)
  EXPECT_FIELD(distance26_raw, 26)
  EXPECT_FIELD(distance19_raw, 19)
  EXPECT_FIELD(distance14_raw, 14)
  EXPECT_FIELD(distance9_raw, 9)
}

static void setting_and_getting_a_distance_are_inverse(void **state)
{
  static const struct {
    uint32_t word;
    int64_t reach;
  } branches[] = {{A64_WORD_B_COND, A64_B_COND_REACH}, {A64_WORD_CBZ, A64_B_COND_REACH}, {A64_WORD_TBZ, A64_TBZ_REACH},
                  {A64_WORD_CB_REGISTER, A64_CB_REACH}, {A64_WORD_CB_IMMEDIATE, A64_CB_REACH}};

  (void)state;
  for (unsigned i = 0; i < sizeof branches / sizeof branches[0]; i++) {
    int64_t reach = branches[i].reach;
    const int64_t distances[] = {-reach, -4, 0, 4, reach - 4};

    for (unsigned j = 0; j < sizeof distances / sizeof distances[0]; j++)
      assert_int_equal(a64_get_branch_distance(a64_set_branch_distance(branches[i].word, distances[j])), distances[j]);
  }
  for (int64_t distance = -A64_B_COND_REACH; distance < A64_B_COND_REACH; distance += 1009)
    assert_int_equal(a64_get_adr(a64_set_adr(A64_WORD_ADRP, distance)), distance);
}

/* Beside each, what the GNU assembler makes of it. */
static void emitted_words_are_what_the_assembler_makes(void **state)
{
  (void)state;
  assert_int_equal(a64_encode_b(0x1000, 0x0FFC), 0x17FFFFFF);
  assert_int_equal(a64_encode_bl(0x1000, 0x1008), 0x94000002);
  assert_int_equal(a64_encode_branch_register(A64_WORD_RET, A64_X17), 0xD65F0220);
  assert_int_equal(a64_encode_branch_register(A64_WORD_BR, A64_X16), 0xD61F0200);
  assert_int_equal(a64_encode_literal(A64_WORD_LDR_X_LITERAL, 16, 0x1000, 0x1010), 0x58000090);
  assert_int_equal(a64_encode_adr(2, 0x1000, 0x1003), 0x70000002);
  assert_int_equal(a64_encode_x(A64_WORD_LDR_X, 1, 2, 8), 0xF9400441);
  assert_int_equal(a64_encode_x(A64_WORD_STR_X, 1, A64_SP, 32760), 0xF93FFFE1);
  assert_int_equal(a64_encode_x_step(A64_WORD_STR_X_PRE, 16, A64_SP, -16), 0xF81F0FF0);
  assert_int_equal(a64_encode_x_step(A64_WORD_LDR_X_POST, 16, A64_SP, 16), 0xF84107F0);
  assert_int_equal(a64_encode_pair(A64_WORD_STP_X_PRE, 16, 17, A64_SP, -16), 0xA9BF47F0);
  assert_int_equal(a64_encode_pair(A64_WORD_LDP_X_POST, 16, 17, A64_SP, 16), 0xA8C147F0);
  assert_int_equal(a64_encode_pair(A64_WORD_STP_X, 0, 1, A64_SP, 16), 0xA90107E0);
  assert_int_equal(a64_encode_pair(A64_WORD_LDP_X, 0, 1, A64_SP, 16), 0xA94107E0);
  assert_int_equal(a64_encode_x_immediate(A64_WORD_ADD_X_IMMEDIATE, A64_SP, A64_SP, 4095), 0x913FFFFF);
  assert_int_equal(a64_encode_x_immediate(A64_WORD_SUB_X_IMMEDIATE, 16, A64_SP, 16), 0xD10043F0);
  assert_int_equal(a64_encode_mov(1, 0), 0xAA0003E1);
  assert_int_equal(a64_encode_brk(0xF00D), 0xD43E01A0);
}

static void what_cannot_be_encoded_traps(void **state)
{
  (void)state;
  assert_int_equal(a64_encode_b(0, 0x8000000), A64_WORD_UDF);
  assert_int_equal(a64_encode_b(0, 2), A64_WORD_UDF);
  assert_int_equal(a64_encode_bl(0x8000004, 0), A64_WORD_UDF);
  assert_int_equal(a64_encode_literal(A64_WORD_LDR_X_LITERAL, 0, 0, 0x100000), A64_WORD_UDF);
  assert_int_equal(a64_encode_adr(0, 0, 0x100000), A64_WORD_UDF);
  assert_int_equal(a64_encode_x(A64_WORD_LDR_X, 1, 2, 4), A64_WORD_UDF);
  assert_int_equal(a64_encode_x(A64_WORD_LDR_X, 1, 2, 32768), A64_WORD_UDF);
  assert_int_equal(a64_encode_x_step(A64_WORD_STR_X_PRE, 1, 2, 256), A64_WORD_UDF);
  assert_int_equal(a64_encode_pair(A64_WORD_STP_X, 0, 1, 2, 512), A64_WORD_UDF);
  assert_int_equal(a64_encode_x_immediate(A64_WORD_ADD_X_IMMEDIATE, 0, 0, 4096), A64_WORD_UDF);
}

static const uint32_t loop[] = {
    0xD503201F,   /* 0       nop */
    0x885FFC20,   /* 1       ldaxr w0,[x1] */
    0x6B02001F,   /* 2       cmp w0,w2 */
    0x54000061,   /* 3       b.ne 6 */
    0x8803FC24,   /* 4       stlxr w3,w4,[x1] */
    0x35FFFF83,   /* 5       cbnz w3,1 */
    0xD503201F,   /* 6       nop */
    0xD65F03C0,   /* 7       ret */
};

/* The store stands behind the end of the function. */
static const uint32_t apart[] = {
    0x885FFC20,   /* 0       ldaxr w0,[x1] */
    0x6B02001F,   /* 1       cmp w0,w2 */
    0x54000080,   /* 2       b.eq 6 */
    0x52800000,   /* 3       mov w0,#0 */
    0xD5033F5F,   /* 4       clrex */
    0xD65F03C0,   /* 5       ret */
    0x2A0203E5,   /* 6       mov w5,w2 */
    0x8803FC24,   /* 7       stlxr w3,w4,[x1] */
    0x35FFFF03,   /* 8       cbnz w3,0 */
    0xD65F03C0,   /* 9       ret */
};

/* A load-exclusive that only waits. */
static const uint32_t waiting[] = {
    0x885F7C20,   /* 0       ldxr w0,[x1] */
    0x34000060,   /* 1       cbz w0,4 */
    0xD503205F,   /* 2       wfe */
    0x17FFFFFD,   /* 3       b 0 */
    0xD65F03C0,   /* 4       ret */
};

#define EXPECT_INSIDE(code, index, before, after) \
  do { \
    size_t good_before = 99, good_after = 99; \
\
    assert_true(a64_inside_exclusive((code), sizeof(code) / 4, (index), &good_before, &good_after)); \
    assert_int_equal(good_before, (before)); \
    assert_int_equal(good_after, (after)); \
  } while (0)

static bool is_inside(const uint32_t *code, size_t count, size_t index)
{
  size_t good_before, good_after;

  return a64_inside_exclusive(code, count, index, &good_before, &good_after);
}

static void inside_is_from_behind_the_load_to_the_store(void **state)
{
  (void)state;
  for (size_t i = 2; i <= 4; i++)
    EXPECT_INSIDE(loop, i, 1, 5);
  for (size_t i = 0; i < sizeof loop / 4; i++)
    assert_int_equal(is_inside(loop, sizeof loop / 4, i), i >= 2 && i <= 4);
}

static void a_store_apart_is_found_by_its_branch(void **state)
{
  (void)state;
  EXPECT_INSIDE(apart, 1, 0, 8);
  EXPECT_INSIDE(apart, 2, 0, 8);
  EXPECT_INSIDE(apart, 6, 6, 8);   /* its load is out of sight */
  EXPECT_INSIDE(apart, 7, 7, 8);
  assert_false(is_inside(apart, sizeof apart / 4, 0));
  assert_false(is_inside(apart, sizeof apart / 4, 4));
  assert_false(is_inside(apart, sizeof apart / 4, 8));
}

static void a_load_that_no_store_follows_holds_nothing(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof waiting / 4; i++)
    assert_false(is_inside(waiting, sizeof waiting / 4, i));
}

static void clrex_ends_what_a_load_began(void **state)
{
  static const uint32_t cleared[] = {
      0x885F7C20,   /* 0       ldxr w0,[x1] */
      0xD5033F5F,   /* 1       clrex */
      0x34000040,   /* 2       cbz w0,4 */
      0xD65F03C0,   /* 3       ret */
      0x88037C24,   /* 4       stxr w3,w4,[x1] */
      0xD65F03C0,   /* 5       ret */
  };

  (void)state;
  assert_false(is_inside(cleared, 6, 1));
  assert_false(is_inside(cleared, 6, 2));
  assert_false(is_inside(cleared + 2, 4, 0));       /* no load is in sight, and none need be */
  assert_false(is_inside((const uint32_t[]){0xD5033F5F, 0x88037C24}, 2, 0));
}

static void the_look_stays_within_the_code_and_its_length(void **state)
{
  uint32_t far[80];

  (void)state;
  for (unsigned i = 0; i < 80; i++)
    far[i] = A64_WORD_NOP;
  far[1] = loop[1];
  far[70] = loop[4];
  assert_false(is_inside(far, 80, 35));
  assert_true(is_inside(far, 80, 39));
  far[36] = a64_set_distance19(A64_WORD_CBZ, (70 - 36) * 4);
  EXPECT_INSIDE(far, 33, 1, 71);                    /* by the branch */
  assert_false(is_inside(far, 80, 34));
  assert_false(is_inside(loop, 4, 3));              /* the store is cut off */
  EXPECT_INSIDE(((const uint32_t[]){0x8803FC24}), 0, 0, 1);
  assert_false(is_inside((const uint32_t[]){0x17FF0000}, 1, 0));
}

int main(void)
{
  enum { COUNT = sizeof table / sizeof table[0] };
  const struct CMUnitTest others[] = {
      cmocka_unit_test(registers_are_where_they_stand),
      cmocka_unit_test(setting_and_getting_a_field_are_inverse),
      cmocka_unit_test(setting_and_getting_a_distance_are_inverse),
      cmocka_unit_test(emitted_words_are_what_the_assembler_makes),
      cmocka_unit_test(what_cannot_be_encoded_traps),
      cmocka_unit_test(inside_is_from_behind_the_load_to_the_store),
      cmocka_unit_test(a_store_apart_is_found_by_its_branch),
      cmocka_unit_test(a_load_that_no_store_follows_holds_nothing),
      cmocka_unit_test(clrex_ends_what_a_load_began),
      cmocka_unit_test(the_look_stays_within_the_code_and_its_length),
  };
  struct CMUnitTest tests[COUNT];

  for (unsigned i = 0; i < COUNT; i++)
    tests[i] = (struct CMUnitTest){table[i].name, the_facts_are_right, NULL, NULL, (void *)(uintptr_t)&table[i]};
  return _cmocka_run_group_tests("insn", tests, COUNT, NULL, NULL) + cmocka_run_group_tests(others, NULL, NULL);
}
