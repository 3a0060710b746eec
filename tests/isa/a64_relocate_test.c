/* The relocator of A64 against the vectors, and what it says about a pc inside the displaced form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "isa/aarch64/encode.h"
#include "isa/aarch64/relocate.h"
#include "vectors.h"

enum { AT = 0x401000, TO = 0x501000 };
#define FAR UINT64_C(0x7FFFF7DD5000)

static struct vector vectors[VECTORS_MAX];

static const char *refusal_name(enum a64_refusal refusal)
{
  switch (refusal) {
  case A64_RELOCATED:
    return "";
  case A64_OUT_OF_REACH:
    return "out_of_reach";
  case A64_LINK_AUTHENTICATED:
    return "link_authenticated";
  case A64_EXCLUSIVE_STORE:
    return "exclusive_store";
  case A64_OWN_ADDRESS:
    return "own_address";
  }
  return "?";
}

/* The vectors write words as numbers, the most significant byte first. */
static uint32_t word_at(const struct code_text *code, unsigned offset)
{
  const uint8_t *bytes = code->bytes + offset;

  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Asked for with far branches allowed, a form differs only where it would have been out of reach. */
static void expect_far_form(const struct vector *vector, enum a64_refusal refusal, const struct a64_displaced *near)
{
  struct a64_displaced far;
  enum a64_refusal answer = a64_relocate(word_at(&vector->original, 0), vector->at, vector->to, true, &far);
  unsigned traps = 0;

  assert_int_equal(answer, refusal == A64_OUT_OF_REACH ? A64_RELOCATED : refusal);
  for (unsigned i = 0; answer == A64_RELOCATED && i < far.length / A64_INSN_LENGTH; i++)
    traps += far.words[i] == a64_encode_brk(A64_FAR_BRANCH);
  assert_int_equal(traps > 0, refusal == A64_OUT_OF_REACH);
  if (refusal == A64_RELOCATED)
    assert_memory_equal(&far, near, sizeof far);
}

static void the_displaced_form_is_as_told(void **state)
{
  const struct vector *vector = *state;
  struct a64_displaced displaced;
  enum a64_refusal refusal = a64_relocate(word_at(&vector->original, 0), vector->at, vector->to, false, &displaced);

  assert_int_equal(vector->original.length, A64_INSN_LENGTH);
  assert_string_equal(refusal_name(refusal), vector->refusal);
  assert_true(strlen(a64_refusal_text(refusal)) > 10);
  expect_far_form(vector, refusal, &displaced);
  if (refusal != A64_RELOCATED)
    return;
  assert_int_equal(displaced.length, vector->displaced.length);
  for (unsigned offset = 0; offset < displaced.length; offset += A64_INSN_LENGTH)
    assert_int_equal(displaced.words[offset / A64_INSN_LENGTH], word_at(&vector->displaced, offset));
  assert_int_equal(displaced.exit_offset, vector->displaced.exit_offset);
}

static struct a64_displaced displace(uint32_t word, struct a64_insn *insn)
{
  struct a64_displaced displaced;

  a64_decode(word, AT, insn);
  assert_int_equal(a64_relocate(word, AT, TO, false, &displaced), A64_RELOCATED);
  return displaced;
}

static void expect_pc(const struct a64_displaced *displaced, const struct a64_insn *insn, unsigned offset, uint64_t pc,
                      unsigned lowered)
{
  unsigned found;

  assert_int_equal(a64_original_pc(displaced, insn, AT, offset, &found), pc);
  assert_int_equal(found, lowered);
}

static void a_pc_in_a_copy_is_the_site_then_the_next_instruction(void **state)
{
  struct a64_insn insn;
  struct a64_displaced displaced = displace(0xAA0003E1, &insn);   /* mov x1,x0 */

  (void)state;
  assert_int_equal(displaced.entry_offset, 0);
  expect_pc(&displaced, &insn, 0, AT, 0);
  expect_pc(&displaced, &insn, 4, AT + 4, 0);
}

static void a_pc_in_a_conditional_branch_is_the_site_the_next_or_the_target(void **state)
{
  static const uint32_t branches[] = {0x54000800, 0x34000803, 0x36280803, 0xF4020801};   /* b.eq cbz tbz cbgt */

  (void)state;
  for (unsigned i = 0; i < sizeof branches / sizeof branches[0]; i++) {
    struct a64_insn insn;
    struct a64_displaced displaced = displace(branches[i], &insn);

    assert_int_equal(displaced.length, 12);
    expect_pc(&displaced, &insn, 0, AT, 0);
    expect_pc(&displaced, &insn, 4, AT + 4, 0);
    expect_pc(&displaced, &insn, 8, AT + 0x100, 0);
  }
}

static void a_pc_in_a_call_is_the_site(void **state)
{
  struct a64_insn insn;
  struct a64_displaced displaced = displace(0x94000040, &insn);   /* bl at+0x100 */

  (void)state;
  assert_int_equal(displaced.length, 12);
  for (unsigned offset = 0; offset < 12; offset += 4)
    expect_pc(&displaced, &insn, offset, AT, 0);
  displaced = displace(0xD63F0100, &insn);                        /* blr x8 */
  assert_int_equal(displaced.length, 12);
  for (unsigned offset = 0; offset < 12; offset += 4)
    expect_pc(&displaced, &insn, offset, AT, 0);
}

static void a_pc_in_a_load_by_a_spilled_register_has_the_stack_pointer_lowered(void **state)
{
  struct a64_insn insn;
  struct a64_displaced displaced = displace(0x9C008001, &insn);   /* ldr q1,at+0x1000 */

  (void)state;
  assert_int_equal(displaced.length, 24);
  expect_pc(&displaced, &insn, 0, AT, 0);
  expect_pc(&displaced, &insn, 4, AT, 16);
  expect_pc(&displaced, &insn, 12, AT, 16);     /* where it faults */
  expect_pc(&displaced, &insn, 16, AT, 16);
  expect_pc(&displaced, &insn, 20, AT + 4, 0);
  displaced = displace(0x58008001, &insn);      /* ldr x1,at+0x1000 */
  expect_pc(&displaced, &insn, 8, AT, 0);
}

static void a_pc_in_a_memory_copy_set_back_is_an_earlier_part(void **state)
{
  struct a64_insn insn;
  struct a64_displaced displaced = displace(0x1D820461, &insn);   /* cpye */

  (void)state;
  assert_int_equal(displaced.entry_offset, 8);
  expect_pc(&displaced, &insn, 0, AT - 8, 0);
  expect_pc(&displaced, &insn, 4, AT - 4, 0);
  expect_pc(&displaced, &insn, 8, AT, 0);
  expect_pc(&displaced, &insn, 12, AT + 4, 0);
  displaced = displace(0x19C44461, &insn);                        /* setm */
  assert_int_equal(displaced.entry_offset, 4);
  expect_pc(&displaced, &insn, 0, AT - 4, 0);
  expect_pc(&displaced, &insn, 4, AT, 0);
  assert_int_equal(displace(0x19C40461, &insn).entry_offset, 0);  /* setp */
}

static void a_breakpoint_tells_where_it_is_met(void **state)
{
  struct a64_insn insn;

  (void)state;
  assert_int_equal(displace(0xD4200020, &insn).trap_offset, 0);
  assert_int_equal(displace(0xD4200020, &insn).link_trap_offset, A64_NO_OFFSET);
  assert_int_equal(displace(0xD63F03C0, &insn).trap_offset, A64_NO_OFFSET);   /* blr x30 */
  assert_int_equal(displace(0xD63F03C0, &insn).link_trap_offset, 0);
  assert_int_equal(displace(0xD63F0100, &insn).link_trap_offset, A64_NO_OFFSET);
  assert_int_equal(displace(0xD4400020, &insn).trap_offset, A64_NO_OFFSET);
}

/* One form whose branches the first `count` of the table are, by offset, and lead to the places given. */
struct far_form {
  uint32_t word;
  unsigned count, length;
  struct {
    unsigned offset;
    uint64_t to;
  } branches[2];
};

static void a_branch_out_of_reach_is_a_breakpoint_that_leads_where_it_would(void **state)
{
  static const struct far_form forms[] = {
      {0xAA0003E1, 1, 8, {{4, AT + 4}}},                   /* mov x1,x0 */
      {0x14000040, 1, 4, {{0, AT + 0x100}}},               /* b */
      {0x14000001, 1, 4, {{0, AT + 4}}},                   /* b to the next instruction */
      {0x94000040, 1, 12, {{8, AT + 0x100}}},              /* bl */
      {0x54000800, 2, 12, {{4, AT + 4}, {8, AT + 0x100}}}, /* b.eq */
      {0x5400080E, 1, 4, {{0, AT + 0x100}}},               /* b.al */
      {0x34000803, 2, 12, {{4, AT + 4}, {8, AT + 0x100}}}, /* cbz */
      {0x36280803, 2, 12, {{4, AT + 4}, {8, AT + 0x100}}}, /* tbz */
      {0x9C008001, 1, 24, {{20, AT + 4}}},                 /* ldr q1 */
      {0x1D820461, 1, 16, {{12, AT + 4}}},                 /* cpye */
      {0xD65F03C0, 0, 4, {{0}}},                           /* ret */
  };

  (void)state;
  for (unsigned i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    const struct far_form *form = &forms[i];
    struct a64_displaced displaced;
    struct a64_insn insn;
    unsigned found = 0;

    a64_decode(form->word, AT, &insn);
    assert_int_equal(a64_relocate(form->word, AT, FAR, true, &displaced), A64_RELOCATED);
    assert_int_equal(displaced.length, form->length);
    for (unsigned offset = 0; offset < displaced.length; offset += A64_INSN_LENGTH) {
      if (displaced.words[offset / A64_INSN_LENGTH] != a64_encode_brk(A64_FAR_BRANCH))
        continue;
      assert_true(found < form->count);
      assert_int_equal(offset, form->branches[found].offset);
      assert_int_equal(a64_leads_to(&insn, AT, displaced.exit_offset, offset), form->branches[found].to);
      found++;
    }
    assert_int_equal(found, form->count);
  }
}

static void a_load_exclusive_needs_a_way_back_without_a_breakpoint(void **state)
{
  static const uint32_t loads[] = {0x885FFC20, 0xC87F0440, 0x085F7C20};   /* ldaxr ldxp ldxrb */
  struct a64_displaced displaced;

  (void)state;
  for (unsigned i = 0; i < sizeof loads / sizeof loads[0]; i++) {
    assert_int_equal(a64_relocate(loads[i], AT, FAR, true, &displaced), A64_OUT_OF_REACH);
    assert_int_equal(a64_relocate(loads[i], AT, TO, true, &displaced), A64_RELOCATED);
  }
}

static void only_the_branch_that_does_not_reach_is_a_breakpoint(void **state)
{
  const uint64_t to = AT + A64_B_REACH - 4;               /* from there next is in reach, and a target before it is not */
  struct a64_displaced displaced;
  struct a64_insn insn;

  (void)state;
  a64_decode(0x54FFF800, AT, &insn);                      /* b.eq at-0x100 */
  assert_int_equal(a64_relocate(0x54FFF800, AT, to, true, &displaced), A64_RELOCATED);
  assert_int_equal(displaced.words[1], a64_encode_b(to + 4, AT + 4));
  assert_int_equal(displaced.words[2], a64_encode_brk(A64_FAR_BRANCH));
  assert_int_equal(a64_leads_to(&insn, AT, displaced.exit_offset, 8), AT - 0x100);
}

static void expect_relocatable_at(uint32_t word, uint64_t from, uint64_t to, bool possible)
{
  struct a64_displaced displaced;

  assert_int_equal(a64_relocate(word, from, to, false, &displaced), possible ? A64_RELOCATED : A64_OUT_OF_REACH);
}

static void reach_is_what_it_says(void **state)
{
  static const uint64_t sites[] = {0x10000000, 0x555555555000, 0x7FFFF7DD5000};
  static const uint32_t words[] = {0xAA0003E1, 0x9C008001, 0x14000040, 0x97FFF000, 0x54000800, 0x547FFFE0,
                                   0x36280803, 0xD4000001, 0x10000000, 0x00000000, 0x1D820461};
  uint64_t low, high;
  struct a64_insn insn;

  (void)state;
  for (unsigned i = 0; i < sizeof sites / sizeof sites[0]; i++)
    for (unsigned j = 0; j < sizeof words / sizeof words[0]; j++) {
      a64_decode(words[j], sites[i], &insn);
      a64_reach(&insn, sites[i], &low, &high);
      assert_true(high - low >= UINT64_C(0x0FE00000) && high - low < UINT64_C(0x10000000));
      expect_relocatable_at(words[j], sites[i], low, true);
      expect_relocatable_at(words[j], sites[i], low - 256, true);
      expect_relocatable_at(words[j], sites[i], high, true);
      expect_relocatable_at(words[j], sites[i], high + 256, true);
      expect_relocatable_at(words[j], sites[i], low - 512, false);
      expect_relocatable_at(words[j], sites[i], high + 512, false);
    }
}

static void what_goes_by_register_reaches_everything(void **state)
{
  static const uint32_t words[] = {0xD61F00A0, 0xD63F0100, 0xD63F03C0, 0xD65F03C0, 0xD65F0BFF, 0xD73F0909};
  uint64_t low, high;
  struct a64_insn insn;

  (void)state;
  for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
    a64_decode(words[i], AT, &insn);
    a64_reach(&insn, AT, &low, &high);
    assert_true(low == 0 && high == UINT64_MAX);
    expect_relocatable_at(words[i], AT, 0x7FFFFFFFF000, true);
    expect_relocatable_at(words[i], 0x7FFFFFFFF000, 0x10000, true);
  }
}

static void reach_ends_at_the_ends_of_the_address_space(void **state)
{
  uint64_t low, high;
  struct a64_insn insn;

  (void)state;
  a64_decode(A64_WORD_NOP, 0x1000, &insn);
  a64_reach(&insn, 0x1000, &low, &high);
  assert_true(low == 0 && high > 0x7F00000);
  a64_reach(&insn, UINT64_MAX - 0xFFF, &low, &high);
  assert_true(high == UINT64_MAX && low < UINT64_MAX - 0x7F00000);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest others[] = {
      cmocka_unit_test(a_pc_in_a_copy_is_the_site_then_the_next_instruction),
      cmocka_unit_test(a_pc_in_a_conditional_branch_is_the_site_the_next_or_the_target),
      cmocka_unit_test(a_pc_in_a_call_is_the_site),
      cmocka_unit_test(a_pc_in_a_load_by_a_spilled_register_has_the_stack_pointer_lowered),
      cmocka_unit_test(a_pc_in_a_memory_copy_set_back_is_an_earlier_part),
      cmocka_unit_test(a_breakpoint_tells_where_it_is_met),
      cmocka_unit_test(a_branch_out_of_reach_is_a_breakpoint_that_leads_where_it_would),
      cmocka_unit_test(a_load_exclusive_needs_a_way_back_without_a_breakpoint),
      cmocka_unit_test(only_the_branch_that_does_not_reach_is_a_breakpoint),
      cmocka_unit_test(reach_is_what_it_says),
      cmocka_unit_test(what_goes_by_register_reaches_everything),
      cmocka_unit_test(reach_ends_at_the_ends_of_the_address_space),
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
