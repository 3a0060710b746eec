/* Instructions inside of others, and bytes that are none: what only x86-64 has. */
#include "test_codemap_support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *code_library;

static uintptr_t code(const char *name)
{
  void *address = dlsym(code_library, name);

  if (!address)
    fail_msg("the fixture has no %s", name);
  return (uintptr_t)address;
}

static void the_instruction_behind_a_skipped_lock_is_one_too(void **state)
{
  uintptr_t outer = code("skips_lock_outer");
  struct code_facts facts = facts_of(outer);

  (void)state;
  assert_int_equal(facts.function_start, code("skips_lock"));
  assert_int_equal(facts.boundary, BOUNDARY_YES);
  assert_int_equal(facts.interior_target, outer + 1);
  facts = facts_of(outer + 1);
  assert_int_equal(facts.boundary, BOUNDARY_YES);
  assert_int_equal(facts.enclosing, outer);
  facts = facts_of(outer + 2);
  assert_int_equal(facts.boundary, BOUNDARY_NO);
  assert_int_equal(facts.instruction_start, outer);
  facts = facts_of(code("skips_lock_behind"));
  assert_int_equal(facts.boundary, BOUNDARY_YES);
  assert_int_equal(facts.enclosing, 0);
}

static void branches_into_a_first_instruction_are_found(void **state)
{
  static const char *const entered[] = {"entered_inside", "entered_from_afar"};

  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    uintptr_t start = code(entered[i]);
    struct code_facts facts;

    codemap_forget();
    facts = facts_of(start);
    assert_int_equal(facts.boundary, BOUNDARY_YES);
    assert_int_equal(facts.interior_target, start + 1);
  }
  /* the inner code goes on behind its first instruction */
  assert_int_equal(facts_of(code("entered_inside") + 1).boundary, BOUNDARY_YES);
  assert_int_equal(facts_of(code("entered_inside") + 2).boundary, BOUNDARY_YES);
  assert_int_equal(facts_of(code("entered_inside") + 3).boundary, BOUNDARY_YES);
  assert_int_equal(facts_of(code("entered_inside") + 4).boundary, BOUNDARY_NO);
  codemap_forget();
  assert_int_equal(facts_of(code("looks_entered")).interior_target, 0);
  assert_int_equal(facts_of(code("looks_entered") + 8).boundary, BOUNDARY_NO);
  assert_int_equal(facts_of(code("ends_with_endbr")).interior_target, 0);
}

static void behind_bytes_that_are_no_code_only_branch_targets_are_known(void **state)
{
  (void)state;
  assert_int_equal(facts_of(code("has_data") + 1).boundary, BOUNDARY_NO);
  assert_int_equal(facts_of(code("has_data_bad")).boundary, BOUNDARY_UNKNOWN);
  assert_int_equal(facts_of(code("has_data_dark")).boundary, BOUNDARY_UNKNOWN);
  assert_int_equal(facts_of(code("has_data_target")).boundary, BOUNDARY_YES);
  assert_int_equal(facts_of(code("has_data_target") + 1).boundary, BOUNDARY_UNKNOWN);
  assert_int_equal(facts_of(code("has_data_after")).boundary, BOUNDARY_YES);
}

static void every_direct_branch_counts_as_one(void **state)
{
  uintptr_t mov = code("loops_everywhere_mov");
  struct code_facts facts = facts_of(mov);

  (void)state;
  assert_int_equal(facts.boundary, BOUNDARY_YES);
  assert_int_equal(facts.interior_target, mov + 1);
  facts = facts_of(code("loops_everywhere"));
  assert_int_equal(facts.boundary, BOUNDARY_YES);
  assert_int_equal(facts.interior_target, 0);
}

/* What our own entries overwrote is read as it was. */
static void patched_code_is_read_as_it_was(void **state)
{
  uint8_t *start = (uint8_t *)code("skips_lock");
  uintptr_t page = (uintptr_t)start & ~UINT64_C(4095);
  uint8_t original = start[0];
  struct code_facts facts;

  (void)state;
  assert_int_equal(mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
  start[0] = 0xEA; /* no instruction in 64-bit mode */
  codemap_forget();
  assert_int_equal(facts_of((uintptr_t)start + 2).boundary, BOUNDARY_UNKNOWN);
  undone_address = start;
  undone_original = original;
  codemap_forget();
  facts = facts_of((uintptr_t)start + 2);
  undone_address = NULL;
  start[0] = original;
  mprotect((void *)page, 8192, PROT_READ | PROT_EXEC);
  codemap_forget();
  assert_int_equal(facts.boundary, BOUNDARY_YES);
  assert_int_equal(facts_of((uintptr_t)start + 1).boundary, BOUNDARY_NO);
}

/* libc jumps over `lock` where it runs alone: the byte behind it begins an instruction too. */
static void jumps_over_lock_in_libc_are_found(void **state)
{
  struct os_module module = module_called("libc.so.6");
  struct numbers locks = numbers_of(OBJDUMP_LOCKS, file_of(&module)),
                 jumps = numbers_of(OBJDUMP_JUMPS, file_of(&module));
  size_t skipped = 0;

  (void)state;
  for (size_t i = 0; i < locks.count; i++) {
    uintptr_t lock = module.base + locks.first[i];
    struct code_facts facts = facts_of(lock);
    bool is_skipped;

    numbers_find(&jumps, locks.first[i] + 1, &is_skipped);
    assert_int_equal(facts.boundary, BOUNDARY_YES);
    assert_int_equal(facts.interior_target, is_skipped ? lock + 1 : 0);
    assert_int_equal(facts.enclosing, 0);
    if (!is_skipped)
      continue;
    skipped++;
    facts = facts_of(lock + 1);
    assert_int_equal(facts.boundary, BOUNDARY_YES);
    assert_int_equal(facts.enclosing, lock);
    assert_int_equal(facts.interior_target, 0);
  }
  print_message("%zu of %zu locked instructions are also entered behind the prefix\n", skipped, locks.count);
  assert_true(skipped > 0);
  numbers_free(&locks);
  numbers_free(&jumps);
}

static int open_code(void **state)
{
  (void)state;
  code_library = dlopen(CODE_LIBRARY, RTLD_NOW);
  return code_library ? 0 : -1;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_instruction_behind_a_skipped_lock_is_one_too),
      cmocka_unit_test(branches_into_a_first_instruction_are_found),
      cmocka_unit_test(behind_bytes_that_are_no_code_only_branch_targets_are_known),
      cmocka_unit_test(every_direct_branch_counts_as_one),
      cmocka_unit_test(patched_code_is_read_as_it_was),
      cmocka_unit_test(jumps_over_lock_in_libc_are_found),
  };

  return cmocka_run_group_tests(tests, open_code, NULL);
}
