/* What gave way to a hook's entry is rewritten, or goes with it. (Reaching over: evict/reach_conflict_test.c.) */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "child.h"
#include "page.h"
#include "../live/windows.h"

long before_long(long);
extern uint8_t before_long_site[], before_long_next[];   /* not constant: it changes */
enum { SHOWN = 32, RESULT = 2 * ARGUMENT + 7 };

static uint8_t original[SHOWN], ours[SHOWN];

static void write_code(uint8_t *to, const void *bytes, size_t length)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uintptr_t start = (uintptr_t)to & ~(uintptr_t)(page - 1);

  REQUIRE(mprotect((void *)start, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
  memcpy(to, bytes, length);
  REQUIRE(mprotect((void *)start, 2 * page, PROT_READ | PROT_EXEC) == 0);
}

static sighook_hook hooked(void)
{
  sighook_hook hook;

  memcpy(original, before_long_site, SHOWN);
  take_windows(before_long_site, 1);
  REQUIRE(page_install(before_long_site, 0, &hook) == SIGHOOK_OK && page_entry(hook) == SIGHOOK_ENTRY_EVICTED);
  REQUIRE(memcmp(before_long_next, original + 1, NEAR_LENGTH) != 0);
  REQUIRE(before_long(ARGUMENT) == RESULT && hits == 1);
  memcpy(ours, before_long_site, SHOWN);
  return hook;
}

static void rewrite_neighbour(void)
{
  static const uint8_t nops[] = {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90};
  sighook_hook hook = hooked();
  uint8_t theirs[SHOWN];

  write_code(before_long_next, nops, sizeof nops);
  memcpy(theirs, before_long_site, SHOWN);
  REQUIRE(sighook_remove(hook) == SIGHOOK_CONFLICT && memcmp(before_long_site, theirs, SHOWN) == 0);
  write_code(before_long_site, ours, SHOWN);
  REQUIRE(before_long(ARGUMENT) == RESULT && hits == 2);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(before_long_site, original, SHOWN) == 0);
  REQUIRE(before_long(ARGUMENT) == RESULT && hits == 2);
}

/* Both at once, or the neighbour alone: what came back is left, the rest is taken away. */
static void restore(size_t from)
{
  sighook_hook hook = hooked();

  write_code(before_long_site + from, original + from, SHOWN - from);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(before_long_site, original, SHOWN) == 0);
  hits = 0;
  REQUIRE(before_long(ARGUMENT) == RESULT && hits == 0);
  hits = 0;
  hook = hooked();
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(before_long_site, original, SHOWN) == 0);
}

static void restore_all(void)
{
  restore(0);
}

static void restore_neighbour(void)
{
  restore(1);
}

static void a_neighbour_that_was_rewritten_is_left_alone_with_the_hook(void **state)
{
  (void)state;
  assert_true(in_child(rewrite_neighbour));
}

static void a_neighbour_that_came_back_by_itself_is_no_matter(void **state)
{
  (void)state;
  assert_true(in_child(restore_neighbour));
  assert_true(in_child(restore_all));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_neighbour_that_was_rewritten_is_left_alone_with_the_hook),
      cmocka_unit_test(a_neighbour_that_came_back_by_itself_is_no_matter),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
