/* Code whose instructions are aligned words: what only AArch64 has. */
#include "test_codemap_support.h"

#include <dlfcn.h>
#include "host/host.h"

static void *code_library;

static uintptr_t code(const char *name)
{
  void *address = dlsym(code_library, name);

  if (!address)
    fail_msg("the fixture has no %s", name);
  return (uintptr_t)address;
}

static void check_words(uintptr_t start)
{
  uintptr_t end = facts_of(start).function_end;

  assert_true(end > start);
  for (uintptr_t at = start; at < end; at++) {
    struct code_facts facts = facts_of(at);
    uintptr_t word = at & ~(uintptr_t)(HOST_INSN_ALIGN - 1);

    assert_int_equal(facts.function_start, start);
    assert_int_equal(facts.boundary, at == word ? BOUNDARY_YES : BOUNDARY_NO);
    assert_int_equal(facts.enclosing, 0);
    if (at != word)
      assert_int_equal(facts.instruction_start, word);
    else
      assert_int_equal(facts.interior_target, 0);
  }
}

static void every_word_of_a_function_begins_an_instruction_and_nothing_else_does(void **state)
{
  static const char *const names[] = {"has_data", "begins_with_pad", "without_unwind", "restartable", "cancellable"};

  (void)state;
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    codemap_forget();
    check_words(code(names[i]));
  }
}

static void data_among_code_count_as_instructions(void **state)
{
  (void)state;
  assert_int_equal(facts_of(code("has_data_bad")).boundary, BOUNDARY_YES);
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
      cmocka_unit_test(every_word_of_a_function_begins_an_instruction_and_nothing_else_does),
      cmocka_unit_test(data_among_code_count_as_instructions),
  };

  return cmocka_run_group_tests(tests, open_code, NULL);
}
