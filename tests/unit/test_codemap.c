/* Facts about the code of real libraries, against objdump. */
#include "test_codemap_support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/plan.h"
#include "host/host.h"

struct agreement {
  size_t functions, addresses, starts, inner, unknown;
};

/* objdump lists the linear decoding; what it does not list may still begin an instruction if a branch leads there. */
static void check_function(uintptr_t base, uintptr_t start, uintptr_t end, const struct numbers *starts,
                           struct agreement *seen)
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
                ending[0] ? ending : "the program", seen.functions, seen.addresses, seen.starts, seen.inner,
                seen.unknown);
  numbers_free(&functions);
  numbers_free(&starts);
  return seen;
}

static void boundaries_agree_with_objdump(void **state)
{
  struct agreement seen = check_module("libc.so.6", 1);

  (void)state;
  assert_true(seen.starts > 100000);
  assert_true(seen.unknown < 16); /* the signal return's unwind entry alone, a byte too long */
  assert_true(check_module("", 1).starts > 1000);
  if (dlopen("libstdc++.so.6", RTLD_LAZY))
    check_module("libstdc++.so.6", 5);
  if (dlopen("libcrypto.so.3", RTLD_LAZY))
    check_module("libcrypto.so.3", 10);
}

static int by_time(const void *a, const void *b)
{
  double one = *(const double *)a, other = *(const double *)b;

  return one < other ? -1 : one > other;
}

static void facts_at_an_entry_are_cheap(void **state)
{
  enum {
    MOST_NS = 10000
  }; /* meant: 2 us; the machine may be busy */
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
  assert_true(unknown <= 1); /* the signal return */
  qsort(times, functions.count, sizeof *times, by_time);
  print_message("facts at %zu entries of libc: median %.0f ns, 90%% below %.0f ns, 99%% below %.0f ns\n",
                functions.count, times[functions.count / 2], times[functions.count * 9 / 10],
                times[functions.count * 99 / 100]);
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

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(facts_at_an_entry_are_cheap),
      cmocka_unit_test(facts_inside_functions_are_timed),
      cmocka_unit_test(boundaries_agree_with_objdump),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
