/* Whatever gave way comes back: in long rows where each leans on the next, after entries became traps, and where memory was
 * refused. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include "hooks.h"
#include "isa/x86_64/insn.h"
#include "targets.h"

enum { ROW_MAX = 80, BYTES_MAX = 512, PAGE = 4096, TARGET_BYTES = 48, MAPPINGS_MAX = 70000 };

long row(long), mixed_row(long), leans_on_third(long);
extern const uint8_t row_end[], mixed_row_end[], leans_on_third_end[], third_site[], third_victim[], third[];

static uintptr_t addresses[ROW_MAX];
static sighook_hook hooks[ROW_MAX];
static uint8_t before[BYTES_MAX];

static sighook_hook install_one(const uint8_t *address)
{
  sighook_spec spec = spec_of((uintptr_t)address, 0);
  sighook_hook hook;

  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  return hook;
}

static size_t list(uintptr_t from, uintptr_t end)
{
  size_t count = 0;

  memcpy(before, (const void *)from, end - from);
  for (uintptr_t at = from; at < end; at += x64_length((const uint8_t *)at, end - at))
    addresses[count++] = at;
  return count;
}

static void require_restored(long (*function)(long), uintptr_t end)
{
  REQUIRE(function(5) == target_expected(5));
  REQUIRE(memcmp(before, (const void *)(uintptr_t)function, end - (uintptr_t)function) == 0);
}

static void take_all_around(uintptr_t around)
{
  struct code nearby = {.low = around, .high = around};

  code_crowd(&nearby, 0, 1);
  for (uintptr_t at = (around & ~(uintptr_t)(PAGE - 1)) - (UINT64_C(32) << 20); at < around + (UINT64_C(32) << 20); at += PAGE)
    mmap((void *)at, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

/* The first of a row holds the second in place, and that the third, and so on: they all go with it. */
static void remove_first_last(long (*function)(long), const uint8_t *end)
{
  size_t count = list((uintptr_t)function, (uintptr_t)end);

  REQUIRE(install_all(addresses, hooks, count, 0));
  REQUIRE(function(5) == target_expected(5));
  take_all_around((uintptr_t)function);              /* no island can be had with which jumps could follow */
  for (size_t i = count; i-- > 0;) {
    REQUIRE(sighook_remove(hooks[i]) == SIGHOOK_OK);
    REQUIRE(function(5) == target_expected(5));
  }
  require_restored(function, (uintptr_t)end);
}

static void row_from_the_end(void)
{
  remove_first_last(row, row_end);
}

static void mixed_row_from_the_end(void)
{
  remove_first_last(mixed_row, mixed_row_end);
}

static void a_row_goes_with_its_first(void **state)
{
  (void)state;
  assert_true(in_child(row_from_the_end));
  assert_true(in_child(mixed_row_from_the_end));
}

static void rows_in_any_order(void)
{
  uint64_t seed = random_seed();

  for (unsigned round = 0; round < 200; round++) {
    long (*function)(long) = round % 2 ? row : mixed_row;
    uintptr_t end = (uintptr_t)(round % 2 ? row_end : mixed_row_end);
    size_t count = list((uintptr_t)function, end);

    REQUIRE(install_all(addresses, hooks, count, 0));
    shuffle(hooks, count, sizeof *hooks, &seed);
    for (size_t left = count, part; left; left -= part) {
      part = 1 + random_next(&seed) % (left < 9 ? left : 9);
      REQUIRE(remove_all(hooks + left - part, part));
      REQUIRE(function(5) == target_expected(5));
    }
    require_restored(function, end);
  }
}

static void rows_go_in_any_order(void **state)
{
  (void)state;
  assert_true(in_child(rows_in_any_order));
}

/* An entry whose jump can no longer be had becomes a trap: then it holds nothing any more. */
static void become_a_trap(void)
{
  sighook_info info = {.size = sizeof info};
  sighook_hook site, behind;

  list((uintptr_t)leans_on_third, (uintptr_t)leans_on_third_end);
  take_windows(third_site, 1);
  site = install_one(third_site);
  REQUIRE(sighook_query(site, &info) == SIGHOOK_OK);
  REQUIRE(info.entry == SIGHOOK_ENTRY_EVICTED);
  take_all_around((uintptr_t)third_site);
  behind = install_one(third);
  REQUIRE(leans_on_third(5) == target_expected(5));
  REQUIRE(sighook_query(site, &info) == SIGHOOK_OK);
  REQUIRE(info.entry == SIGHOOK_ENTRY_TRAP);
  REQUIRE(sighook_remove(behind) == SIGHOOK_OK);
  REQUIRE(sighook_remove(site) == SIGHOOK_OK);
  require_restored(leans_on_third, (uintptr_t)leans_on_third_end);
}

static void what_gave_way_for_a_jump_that_became_a_trap_comes_back(void **state)
{
  (void)state;
  assert_true(in_child(become_a_trap));
}

/* The system refuses further mappings, and so all islands on new pages: sites get other entries, and all else stays as it was. */
static void run_out_of_mappings(void)
{
  static void *taken[MAPPINGS_MAX];
  unsigned count = 0;
  sighook_hook warm = install_one((const uint8_t *)(uintptr_t)random_seed);

  targets_crowd();
  REQUIRE(sighook_remove(warm) == SIGHOOK_OK);
  while (count < MAPPINGS_MAX && (taken[count] = mmap(NULL, PAGE, count % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                                                      -1, 0)) != MAP_FAILED)
    count++;
  for (unsigned round = 0; round < 2; round++) {
    for (unsigned i = 0; i < target_count; i++) {
      sighook_spec spec = spec_of((uintptr_t)targets[i].site, 0);
      sighook_hook hook;

      memcpy(before, (const void *)(uintptr_t)targets[i].function, TARGET_BYTES);
      if (sighook_install(&spec, &hook) == SIGHOOK_OK) {
        REQUIRE(targets[i].function(5) == target_expected(5));
        REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
      } else {
        REQUIRE(round == 0);
      }
      require_restored(targets[i].function, (uintptr_t)targets[i].function + TARGET_BYTES);
      hook = (sighook_hook){0};
      spec.address = (uintptr_t)targets[i].next;
      if (sighook_install(&spec, &hook) == SIGHOOK_OK)
        REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
      require_restored(targets[i].function, (uintptr_t)targets[i].function + TARGET_BYTES);
    }
    while (count)
      munmap(taken[--count], PAGE);
  }
}

static void without_further_mappings_all_stays_right(void **state)
{
  (void)state;
  assert_true(in_child(run_out_of_mappings));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_row_goes_with_its_first),
      cmocka_unit_test(rows_go_in_any_order),
      cmocka_unit_test(what_gave_way_for_a_jump_that_became_a_trap_comes_back),
      cmocka_unit_test(without_further_mappings_all_stays_right),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
