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
#include "os/memory.h"
#include "test_codemap_machine.h"

static void *code_library;

static uintptr_t code(const char *name)
{
  void *address = dlsym(code_library, name);

  if (!address)
    fail_msg("the fixture has no %s", name);
  return (uintptr_t)address;
}

static void symbols_answer_where_the_unwind_table_does_not(void **state)
{
  uintptr_t start = code("without_unwind"), other = code("without_anything"), second = code("without_unwind_second");
  struct code_facts facts = facts_of(second);

  (void)state;
  assert_true(facts.has_function);
  assert_int_equal(facts.function_start, start);
  assert_int_equal(facts.function_end, code("without_unwind_end"));
  assert_int_equal(facts.boundary, BOUNDARY_YES);
  assert_int_equal(facts.next_entry, other);
  assert_int_equal(facts_of(second + 1).boundary, BOUNDARY_NO);
  assert_int_equal(facts_of(second + 1).instruction_start, second);
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
  memset(page, 0x90, 4096); /* nop; AArch64: adrp x16 */
  facts = facts_of((uintptr_t)page + 100);
  assert_false(facts.has_function);
  assert_int_equal(facts.boundary, BOUNDARY_UNKNOWN);
  assert_int_equal(facts.next_entry, UINTPTR_MAX);
  assert_int_equal(facts.interior_target, 0);
  munmap(page, 4096);
}

/* A function one of whose pages cannot be read. */
static void unreadable_code_is_unknown_and_never_touched(void **state)
{
  size_t size = os_page_size();
  uintptr_t start = code("unreadable"), page = page_up(start, size), inside = page + 7 * HOST_INSN_ALIGN;
  struct code_facts before, behind;

  (void)state;
  assert_int_equal(mprotect((void *)page, size, PROT_NONE), 0);
  codemap_forget();
  before = facts_of(start + HOST_INSN_ALIGN);
  behind = facts_of(inside);
  mprotect((void *)page, size, PROT_READ | PROT_EXEC);
  codemap_forget();
  assert_int_equal(before.boundary, BOUNDARY_YES);
  assert_int_equal(behind.boundary, BOUNDARY_UNKNOWN);
  assert_int_equal(facts_of(inside).boundary, BOUNDARY_YES);
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
    assert_int_equal(facts_of(start + 2 * HOST_INSN_ALIGN).boundary, BOUNDARY_YES);
    for (unsigned further = 3; further < 5; further++)
      assert_int_equal(facts_of(start + further * HOST_INSN_ALIGN).boundary, i % 2 ? RELOADED_ELSEWHERE : BOUNDARY_YES);
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
  uintptr_t behind = code("restartable_end");
  uint8_t bytes[HOST_INSN_MAX];
  struct code_facts facts;
  struct error error;
  unsigned long before;

  (void)state;
  facts_of(code("restartable_start"));
  plan_read_current(behind, bytes, sizeof bytes);
  before = reads;
  for (unsigned i = 0; i < 100; i++)
    codemap_facts(behind, bytes, HOST_INSN_ALIGN, &facts, &error);
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
      cmocka_unit_test(symbols_answer_where_the_unwind_table_does_not),
      cmocka_unit_test(nothing_is_known_outside_modules),
      cmocka_unit_test(unreadable_code_is_unknown_and_never_touched),
      cmocka_unit_test(a_library_reloaded_at_the_same_place_is_another),
      cmocka_unit_test(a_function_is_decoded_once),
  };

  return cmocka_run_group_tests(tests, open_code, NULL);
}
