/* Facts about code: against objdump on real libraries, and on code written for it. */
#include "test_codemap_support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/plan.h"
#include "host/host.h"
#include "resolve/codemap.h"

static void *code_library;

static uintptr_t code(const char *name)
{
  void *address = dlsym(code_library, name);

  if (!address)
    fail_msg("the fixture has no %s", name);
  return (uintptr_t)address;
}

static struct code_facts facts_of(uintptr_t address)
{
  uint8_t bytes[HOST_INSN_MAX];
  struct code_facts facts;
  struct error error;
  size_t readable = plan_read_current(address, bytes, sizeof bytes), length = host_insn_length(bytes, readable);

  assert_int_equal(codemap_facts(address, bytes, length ? length : 1, &facts, &error), SIGHOOK_OK);
  return facts;
}

struct agreement {
  size_t functions, addresses, starts, inner, unknown;
};

/* objdump lists the linear decoding; what it does not list may still begin an instruction if a branch leads there. */
static void check_function(uintptr_t base, uintptr_t start, uintptr_t end, const struct numbers *starts, struct agreement *seen)
{
  for (uintptr_t at = start; at < end; at++) {
    struct code_facts facts = facts_of(base + at);
    bool listed;

    numbers_find(starts, at, &listed);
    assert_true(facts.has_function);
    seen->addresses++;
    if (facts.boundary == BOUNDARY_UNKNOWN) {
      seen->unknown++;
    } else if (listed) {
      seen->starts++;
      assert_int_equal(facts.boundary, BOUNDARY_YES);
    } else if (facts.boundary == BOUNDARY_YES) {
      seen->inner++;
      if (!facts.enclosing || facts.enclosing >= base + at)
        fail_msg("%#lx begins an instruction, and objdump lists none", at);
    } else {
      numbers_find(starts, facts.instruction_start - base, &listed);
      assert_true(listed);
      assert_true(facts.instruction_start < base + at && base + at - facts.instruction_start < HOST_INSN_MAX);
    }
  }
  seen->functions++;
}

static struct agreement check_module(const char *ending, size_t step)
{
  struct os_module module = module_called(ending);
  struct numbers functions = numbers_of(READELF_FUNCTIONS, file_of(&module));
  struct numbers starts = numbers_of(OBJDUMP_STARTS, file_of(&module));
  struct agreement seen = {0};

  for (size_t i = 0; i < functions.count; i += step)
    check_function(module.base, functions.first[i], functions.second[i], &starts, &seen);
  print_message("%s: %zu functions, %zu addresses, %zu starts, %zu inner starts, %zu unknown\n",
                ending[0] ? ending : "the program", seen.functions, seen.addresses, seen.starts, seen.inner, seen.unknown);
  numbers_free(&functions);
  numbers_free(&starts);
  return seen;
}

static void boundaries_agree_with_objdump(void **state)
{
  struct agreement seen = check_module("libc.so.6", 1);

  (void)state;
  assert_true(seen.starts > 100000);
  assert_true(seen.unknown < 16);                   /* the signal return's unwind entry alone, a byte too long */
  assert_true(check_module("", 1).starts > 1000);
  if (dlopen("libstdc++.so.6", RTLD_LAZY))
    check_module("libstdc++.so.6", 5);
  if (dlopen("libcrypto.so.3", RTLD_LAZY))
    check_module("libcrypto.so.3", 10);
}

/* libc jumps over `lock` where it runs alone: the byte behind it begins an instruction too. */
static void jumps_over_lock_in_libc_are_found(void **state)
{
  struct os_module module = module_called("libc.so.6");
  struct numbers locks = numbers_of(OBJDUMP_LOCKS, file_of(&module)), jumps = numbers_of(OBJDUMP_JUMPS, file_of(&module));
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
  start[0] = 0xEA;                                  /* no instruction in 64-bit mode */
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

static int by_time(const void *a, const void *b)
{
  double one = *(const double *)a, other = *(const double *)b;

  return one < other ? -1 : one > other;
}

static void facts_at_an_entry_are_cheap(void **state)
{
  enum { MOST_NS = 10000 };         /* meant: 2 us; the machine may be busy */
  struct os_module module = module_called("libc.so.6");
  struct numbers functions = numbers_of(READELF_FUNCTIONS, file_of(&module));
  double *times = calloc(functions.count, sizeof *times);
  size_t unknown = 0;

  (void)state;
  reads_are_direct = true;
  for (size_t i = 0; i < functions.count; i++) {
    uintptr_t address = module.base + functions.first[i];
    uint8_t bytes[HOST_INSN_MAX];
    size_t length = host_insn_length(bytes, plan_read_current(address, bytes, sizeof bytes));
    struct code_facts facts;
    struct error error;
    double before = now_ns();

    codemap_facts(address, bytes, length, &facts, &error);
    times[i] = now_ns() - before;
    unknown += facts.boundary == BOUNDARY_UNKNOWN;
    assert_int_not_equal(facts.boundary, BOUNDARY_NO);
  }
  reads_are_direct = false;
  assert_true(unknown <= 1);                        /* the signal return */
  qsort(times, functions.count, sizeof *times, by_time);
  print_message("facts at %zu entries of libc: median %.0f ns, 90%% below %.0f ns, 99%% below %.0f ns\n", functions.count,
                times[functions.count / 2], times[functions.count * 9 / 10], times[functions.count * 99 / 100]);
  assert_true(times[functions.count / 2] < MOST_NS);
  free(times);
  numbers_free(&functions);
}

static void facts_inside_functions_are_timed(void **state)
{
  struct os_module module = module_called("libc.so.6");
  struct numbers functions = numbers_of(READELF_FUNCTIONS, file_of(&module));
  double before = now_ns(), spent;
  size_t addresses = 0, decoded = 0;

  (void)state;
  reads_are_direct = true;
  for (size_t i = 0; i < functions.count; i += 3)
    for (uintptr_t at = functions.first[i] + 1; at < functions.second[i]; at += 4, addresses++) {
      facts_of(module.base + at);
      decoded += at == functions.first[i] + 1;
    }
  spent = now_ns() - before;
  reads_are_direct = false;
  print_message("%zu addresses inside %zu functions: %.0f ns each\n", addresses, decoded, spent / (double)addresses);
  assert_true(addresses > 10000);
  numbers_free(&functions);
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
      cmocka_unit_test(facts_at_an_entry_are_cheap),
      cmocka_unit_test(facts_inside_functions_are_timed),
      cmocka_unit_test(boundaries_agree_with_objdump),
      cmocka_unit_test(jumps_over_lock_in_libc_are_found),
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
