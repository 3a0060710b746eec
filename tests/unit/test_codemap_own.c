/* Facts about code written for it, whose every instruction start is known. */
#include "test_codemap_support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/plan.h"
#include "host/host.h"

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

static void symbols_answer_where_the_unwind_table_does_not(void **state)
{
  uintptr_t start = code("without_unwind"), other = code("without_anything");
  struct code_facts facts = facts_of(start + 5);

  (void)state;
  assert_true(facts.has_function);
  assert_int_equal(facts.function_start, start);
  assert_int_equal(facts.function_end, start + 9);
  assert_int_equal(facts.boundary, BOUNDARY_YES);
  assert_int_equal(facts.next_entry, other);
  assert_int_equal(facts_of(start + 6).boundary, BOUNDARY_NO);
  assert_int_equal(facts_of(start + 6).instruction_start, start + 5);
  facts = facts_of(other);
  assert_false(facts.has_function);
  assert_int_equal(facts.boundary, BOUNDARY_UNKNOWN);
  assert_true(facts.next_entry > other && facts.next_entry <= code("restartable"));
}

static void nothing_is_known_outside_modules(void **state)
{
  uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct code_facts facts;

  (void)state;
  assert_ptr_not_equal(page, MAP_FAILED);
  memset(page, 0x90, 4096);
  facts = facts_of((uintptr_t)page + 100);
  assert_false(facts.has_function);
  assert_int_equal(facts.boundary, BOUNDARY_UNKNOWN);
  assert_int_equal(facts.next_entry, UINTPTR_MAX);
  assert_int_equal(facts.interior_target, 0);
  munmap(page, 4096);
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

/* A function whose second page cannot be read. */
static void unreadable_code_is_unknown_and_never_touched(void **state)
{
  uintptr_t start = code("unreadable"), page = (start + 4095) & ~UINT64_C(4095);
  struct code_facts before, behind;

  (void)state;
  assert_int_equal(mprotect((void *)page, 4096, PROT_NONE), 0);
  codemap_forget();
  before = facts_of(start + 1);
  behind = facts_of(page + 7);
  mprotect((void *)page, 4096, PROT_READ | PROT_EXEC);
  codemap_forget();
  assert_int_equal(before.boundary, BOUNDARY_YES);
  assert_int_equal(behind.boundary, BOUNDARY_UNKNOWN);
  assert_int_equal(facts_of(page + 7).boundary, BOUNDARY_YES);
}

static void copy_file(const char *from, const char *to)
{
  char command[8192];

  snprintf(command, sizeof command, "cp %s %s", from, to);
  assert_int_equal(system(command), 0);
}

/* One library unloaded, another build of it loaded in its place. */
static void check_reload(const char *first, const char *second)
{
  char path[] = "/tmp/codemap_reload_XXXXXX";
  int descriptor = mkstemp(path);
  uintptr_t addresses[2];

  assert_true(descriptor >= 0);
  close(descriptor);
  for (unsigned i = 0; i < 4; i++) {
    void *library;
    uintptr_t start;

    unlink(path);
    copy_file(i % 2 ? second : first, path);
    library = dlopen(path, RTLD_NOW);
    assert_non_null(library);
    start = addresses[i % 2] = (uintptr_t)dlsym(library, "reloaded");
    assert_int_equal(facts_of(start + 2).boundary, BOUNDARY_YES);
    assert_int_equal(facts_of(start + 3).boundary, i % 2 ? BOUNDARY_NO : BOUNDARY_YES);
    assert_int_equal(facts_of(start + 4).boundary, i % 2 ? BOUNDARY_NO : BOUNDARY_YES);
    dlclose(library);
    assert_false(has_module(path));
  }
  print_message("the two lay at %#lx and %#lx\n", (unsigned long)addresses[0], (unsigned long)addresses[1]);
  unlink(path);
}

static void a_library_reloaded_at_the_same_place_is_another(void **state)
{
  (void)state;
  check_reload(RELOAD_FIRST, RELOAD_SECOND);
  check_reload(RELOAD_FIRST_UNNAMED, RELOAD_SECOND_UNNAMED);
}

/* A batch in one function decodes it once. */
static void a_function_is_decoded_once(void **state)
{
  uintptr_t start = code("skips_lock");
  uint8_t bytes[HOST_INSN_MAX];
  struct code_facts facts;
  struct error error;
  unsigned long before;

  (void)state;
  facts_of(start + 2);
  plan_read_current(start + 4, bytes, sizeof bytes);
  before = reads;
  for (unsigned i = 0; i < 100; i++)
    codemap_facts(start + 4, bytes, 3, &facts, &error);
  assert_int_equal(facts.boundary, BOUNDARY_YES);
  assert_int_equal(reads, before);
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
      cmocka_unit_test(symbols_answer_where_the_unwind_table_does_not),
      cmocka_unit_test(nothing_is_known_outside_modules),
      cmocka_unit_test(patched_code_is_read_as_it_was),
      cmocka_unit_test(unreadable_code_is_unknown_and_never_touched),
      cmocka_unit_test(a_library_reloaded_at_the_same_place_is_another),
      cmocka_unit_test(a_function_is_decoded_once),
  };

  return cmocka_run_group_tests(tests, open_code, NULL);
}
