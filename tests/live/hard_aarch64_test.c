/* Every instruction of every hard pattern, hooked alone and all together, by branches and by traps: the function must compute
 * what it computes unhooked, whatever the handler does to the registers that it need not preserve. What lies inside a
 * load/store-exclusive sequence must be refused, with the nearest addresses that may be hooked. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sys/auxv.h>
#include <sighook/sighook.h>
#include "spoil.h"

enum need { NEEDS_NOTHING, NEEDS_ATOMICS, NEEDS_PAUTH, NEEDS_MOPS };   /* as in table.inc */

struct pattern {
  const char *name;
  long (*function)(long);
  const uint8_t *end;
  uintptr_t refused_from, refused_to;
  uint64_t needs;
};
extern const struct pattern __start_pattern_table[], __stop_pattern_table[];
#define EACH_PATTERN(pattern) \
  (const struct pattern *pattern = __start_pattern_table; pattern < __stop_pattern_table; pattern++) \
    if (processor_has((enum need)pattern->needs))

enum { WORD = 4, INSNS_MAX = 64, SPOILED_ERRNO = 99, ARGUMENTS = 3 };
static const long arguments[ARGUMENTS] = {0, 5, -7};
static long hits;

static int processor_has(enum need need)
{
  switch (need) {
  case NEEDS_NOTHING:
    return 1;
  case NEEDS_ATOMICS:
    return (getauxval(AT_HWCAP) >> 8 & 1) != 0;
  case NEEDS_PAUTH:
    return (getauxval(AT_HWCAP) >> 30 & 1) != 0;
  case NEEDS_MOPS:
    return (getauxval(AT_HWCAP2) >> 43 & 1) != 0;
  }
  return 0;
}

static void spoil(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
  errno = SPOILED_ERRNO;
  spoil_registers();
}

static sighook_spec probe_at(uintptr_t address, uint32_t flags)
{
  return (sighook_spec){.size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .address = address, .handler = spoil, .flags = flags};
}

static sighook_hook install(uintptr_t address, uint32_t flags)
{
  sighook_spec spec = probe_at(address, flags);
  sighook_error error = {.size = sizeof error};
  sighook_hook hook;

  if (sighook_install(&spec, &hook) != SIGHOOK_OK) {
    sighook_last_error(&error);
    print_error("%#lx: %s\n", (unsigned long)address, error.message);
    fail();
  }
  return hook;
}

extern const int stubs_are_far __attribute__((weak));   /* see aarch64/far.c */

/* A load-exclusive needs a branch back. */
static int is_refused(const struct pattern *pattern, uintptr_t address)
{
  return address >= pattern->refused_from - (&stubs_are_far ? WORD : 0) && address < pattern->refused_to;
}

/* The addresses that may be hooked. */
static unsigned good_starts(const struct pattern *pattern, uintptr_t starts[INSNS_MAX])
{
  unsigned count = 0;

  for (uintptr_t at = (uintptr_t)pattern->function; at < (uintptr_t)pattern->end; at += WORD) {
    assert_true(count < INSNS_MAX);
    if (!is_refused(pattern, at))
      starts[count++] = at;
  }
  return count;
}

static void results_of(const struct pattern *pattern, long results[ARGUMENTS])
{
  for (unsigned i = 0; i < ARGUMENTS; i++)
    results[i] = pattern->function(arguments[i]);
}

static void expect(const struct pattern *pattern, const long results[ARGUMENTS], const char *what)
{
  for (unsigned i = 0; i < ARGUMENTS; i++) {
    long result;

    errno = 5;
    result = pattern->function(arguments[i]);
    if (result != results[i] || errno != 5) {
      print_error("%s(%ld), %s: %#lx, errno %d; expected %#lx\n", pattern->name, arguments[i], what, result, errno, results[i]);
      fail();
    }
  }
}

static void one_alone(const struct pattern *pattern, uintptr_t address, uint32_t flags)
{
  size_t size = (size_t)(pattern->end - (const uint8_t *)pattern->function);
  uint8_t before[INSNS_MAX * WORD];
  long results[ARGUMENTS];
  char what[64];
  sighook_hook hook;

  snprintf(what, sizeof what, "hooked at +%lu, flags %u", (unsigned long)(address - (uintptr_t)pattern->function), flags);
  results_of(pattern, results);
  memcpy(before, (const void *)pattern->function, size);
  hook = install(address, flags);
  expect(pattern, results, what);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_memory_equal(before, (const void *)pattern->function, size);
}

static void every_instruction_alone(uint32_t flags)
{
  for EACH_PATTERN (pattern) {
    uintptr_t starts[INSNS_MAX];
    unsigned count = good_starts(pattern, starts), reached = 0;

    for (unsigned i = 0; i < count; i++) {
      hits = 0;
      one_alone(pattern, starts[i], flags);
      reached += hits > 0;
    }
    if (!reached || (reached < count / 2)) {
      print_error("%s: %u of %u instructions were reached\n", pattern->name, reached, count);
      fail();
    }
  }
}

static void each_instruction_hooked_alone_changes_nothing(void **state)
{
  (void)state;
  every_instruction_alone(0);
}

static void each_instruction_trapped_alone_changes_nothing(void **state)
{
  (void)state;
  every_instruction_alone(SIGHOOK_FORCE_TRAP);
}

static void each_instruction_counted_alone_changes_nothing(void **state)
{
  (void)state;
  every_instruction_alone(SIGHOOK_COUNT);
}

static void all_together(const struct pattern *pattern, uint32_t flags, unsigned backwards)
{
  uintptr_t starts[INSNS_MAX];
  sighook_hook hooks[INSNS_MAX];
  uint8_t before[INSNS_MAX * WORD];
  long results[ARGUMENTS];
  size_t size = (size_t)(pattern->end - (const uint8_t *)pattern->function);
  unsigned count = good_starts(pattern, starts);

  results_of(pattern, results);
  memcpy(before, (const void *)pattern->function, size);
  for (unsigned i = 0; i < count; i++) {
    unsigned at = backwards ? count - 1 - i : i;

    hooks[at] = install(starts[at], flags);
    expect(pattern, results, "growing");
  }
  for (unsigned i = 0; i < count; i++) {
    assert_int_equal(sighook_remove(hooks[i]), SIGHOOK_OK);
    expect(pattern, results, "shrinking");
  }
  assert_memory_equal(before, (const void *)pattern->function, size);
}

static void all_instructions_hooked_together_change_nothing(void **state)
{
  (void)state;
  for EACH_PATTERN (pattern)
    for (unsigned backwards = 0; backwards < 2; backwards++)
      all_together(pattern, 0, backwards);
}

static void all_instructions_trapped_together_change_nothing(void **state)
{
  (void)state;
  for EACH_PATTERN (pattern)
    all_together(pattern, SIGHOOK_FORCE_TRAP, 0);
}

static long replaced(long value)
{
  return value + 1000;
}

static void each_function_is_replaced_and_its_original_still_runs(void **state)
{
  (void)state;
  for EACH_PATTERN (pattern) {
    long results[ARGUMENTS];
    void *original = NULL;

    if (strcmp(pattern->name, "loop_to_the_entry") == 0)
      continue;                         /* it comes to the replacement again, rightly */
    results_of(pattern, results);
    assert_int_equal(sighook_inline_hook((uintptr_t)pattern->function, (const void *)replaced, &original, NULL), SIGHOOK_OK);
    assert_int_equal(pattern->function(7), 1007);
    for (unsigned i = 0; i < ARGUMENTS; i++)
      assert_int_equal(((long (*)(long))original)(arguments[i]), results[i]);
    assert_int_equal(sighook_unhook((uintptr_t)pattern->function), SIGHOOK_OK);
    expect(pattern, results, "unhooked");
  }
}

static void refuse(const struct pattern *pattern, uintptr_t address, uint32_t flags)
{
  sighook_spec spec = probe_at(address, flags);
  sighook_error error = {.size = sizeof error};
  sighook_hook hook;
  char load[32], behind[32];

  snprintf(load, sizeof load, "%#lx", (unsigned long)pattern->refused_from - WORD);
  snprintf(behind, sizeof behind, "%#lx", (unsigned long)pattern->refused_to);
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_UNRELOCATABLE);
  assert_int_equal(sighook_last_error(&error), SIGHOOK_OK);
  assert_int_equal(error.address, address);
  assert_non_null(strstr(error.message, load));
  assert_non_null(strstr(error.message, behind));
}

static void inside_an_exclusive_sequence_the_nearest_good_addresses_are_named(void **state)
{
  unsigned refused = 0;

  (void)state;
  for EACH_PATTERN (pattern) {
    sighook_hook load;
    long results[ARGUMENTS];

    if (!pattern->refused_from)
      continue;
    results_of(pattern, results);
    for (uintptr_t at = pattern->refused_from; at < pattern->refused_to; at += WORD, refused++) {
      refuse(pattern, at, 0);
      refuse(pattern, at, SIGHOOK_FORCE_TRAP);
    }
    if (&stubs_are_far) {
      sighook_spec spec = probe_at(pattern->refused_from - WORD, 0);

      assert_int_equal(sighook_check(&spec, &(sighook_info){.size = sizeof(sighook_info)}), SIGHOOK_NO_NEAR_MEMORY);
      assert_int_equal(sighook_install(&spec, &load), SIGHOOK_NO_NEAR_MEMORY);
      continue;
    }
    load = install(pattern->refused_from - WORD, 0);     /* what it reads now is a branch: the look must see through it */
    refuse(pattern, pattern->refused_from, 0);
    refuse(pattern, pattern->refused_to - WORD, 0);
    expect(pattern, results, "load hooked");
    assert_int_equal(sighook_remove(load), SIGHOOK_OK);
  }
  assert_true(refused >= 8);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_instruction_hooked_alone_changes_nothing),
      cmocka_unit_test(each_instruction_trapped_alone_changes_nothing),
      cmocka_unit_test(each_instruction_counted_alone_changes_nothing),
      cmocka_unit_test(all_instructions_hooked_together_change_nothing),
      cmocka_unit_test(all_instructions_trapped_together_change_nothing),
      cmocka_unit_test(each_function_is_replaced_and_its_original_still_runs),
      cmocka_unit_test(inside_an_exclusive_sequence_the_nearest_good_addresses_are_named),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
