/* Thousands of hooks in one batch, in an address space in which many jumps find room only where others give way: at every
 * instruction of the library there stands that instruction or a way to its displaced copy; and all of it is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "hooks.h"

enum { HOOKS = 4000, HOOKS_LONG = 20000, ALONE = 600, ALONE_LONG = 6000, LEFT = 8, ROW = 40 };

static struct code libc, libcrypto;
static uint64_t seed;
static uintptr_t addresses[HOOKS_LONG];
static sighook_hook hooks[HOOKS_LONG];

static size_t how_many(size_t by_default, size_t in_long)
{
  return getenv("SIGHOOK_LONG") ? in_long : by_default;
}

static void all_entries_of_libc(void)
{
  size_t count = 0;
  struct tally tally;

  for (uint32_t i = 0; i < libc.entry_count && count < HOOKS_LONG; i++)
    addresses[count++] = libc.low + libc.starts[libc.entries[i]];
  count = keep_hookable(addresses, count);
  REQUIRE(count > 2000);
  REQUIRE(install_all(addresses, hooks, count, 0));
  tally = require_invariant(&libc, "all entries hooked");
  REQUIRE(tally.branches + tally.puns + tally.evictions + tally.traps == count + tally.hookless);
  REQUIRE(remove_all(hooks, count));
  require_invariant(&libc, "none hooked");
  REQUIRE(code_is_pristine(&libc));
}

static void every_entry_of_libc(void **state)
{
  (void)state;
  assert_true(in_child(all_entries_of_libc));
}

/* Hooks that are there, half of them removed, the rest removed, and the same again. */
static void come_and_go(size_t count)
{
  for (unsigned round = 0; round < 2; round++) {
    struct tally tally;

    REQUIRE(install_all(addresses, hooks, count, 0));
    tally = require_invariant(&libcrypto, "hooked");
    REQUIRE(tally.evictions > 0);
    shuffle(hooks, count, sizeof *hooks, &seed);
    REQUIRE(remove_all(hooks, count / 2));
    require_invariant(&libcrypto, "half of it hooked");
    REQUIRE(remove_all(hooks + count / 2, count - count / 2));
    require_invariant(&libcrypto, "none hooked");
    REQUIRE(code_is_pristine(&libcrypto));
  }
}

static void instructions_in_a_batch(void)
{
  size_t count = 0, wanted = how_many(HOOKS, HOOKS_LONG);

  code_crowd(&libcrypto, LEFT, seed);
  while (count < wanted) {
    uint32_t first = (uint32_t)(random_next(&seed) % libcrypto.count), run = random_next(&seed) % 8 ? 1 : ROW;

    for (uint32_t i = first; i < libcrypto.count && i < first + run && count < wanted; i++)
      addresses[count++] = libcrypto.low + libcrypto.starts[i];
  }
  count = keep_hookable(addresses, count);
  come_and_go(count);
}

static void random_instructions_of_libcrypto(void **state)
{
  (void)state;
  assert_true(in_child(instructions_in_a_batch));
}

/* One by one, and whole rows; removed one by one in an order of its own. */
static void one_by_one(void)
{
  size_t count = 0, wanted = how_many(ALONE, ALONE_LONG);

  code_crowd(&libcrypto, LEFT, seed);
  while (count < wanted) {
    uint32_t first = (uint32_t)(random_next(&seed) % libcrypto.count), run = random_next(&seed) % 16 ? 1 : ROW;

    for (uint32_t i = first; i < libcrypto.count && i < first + run && count < wanted; i++) {
      sighook_spec spec = spec_of(libcrypto.low + libcrypto.starts[i], 0);

      count += sighook_install(&spec, &hooks[count]) == SIGHOOK_OK;
    }
  }
  require_invariant(&libcrypto, "hooked one by one");
  if (random_next(&seed) % 2)
    shuffle(hooks, count, sizeof *hooks, &seed);
  for (size_t i = count; i-- > 0;) {
    REQUIRE(sighook_remove(hooks[i]) == SIGHOOK_OK);
    if (i == count / 2)
      require_invariant(&libcrypto, "half of it removed one by one");
  }
  require_invariant(&libcrypto, "removed one by one");
  REQUIRE(code_is_pristine(&libcrypto));
}

static void instructions_of_libcrypto_one_by_one(void **state)
{
  (void)state;
  assert_true(in_child(one_by_one));
}

/* Where others come and go behind an entry, it must go on to survive somebody else's breakpoints, or say that it does not. */
static void one_by_one_with_breakpoints(void)
{
  size_t count = 0, wanted = how_many(HOOKS / 2, HOOKS_LONG);
  struct tally tally;

  code_crowd(&libcrypto, LEFT, seed);
  while (count < wanted)
    for (uint32_t first = (uint32_t)(random_next(&seed) % libcrypto.count), i = first; i < first + ROW && count < wanted; i++)
      addresses[count++] = libcrypto.low + libcrypto.starts[i % libcrypto.count];
  count = keep_hookable(addresses, count);
  REQUIRE(install_all(addresses, hooks, count, 0));
  tally = require_invariant(&libcrypto, "rows hooked");
  REQUIRE(tally.brittle == 0);
  shuffle(hooks, count, sizeof *hooks, &seed);
  REQUIRE(remove_all(hooks, count / 2));
  tally = require_invariant(&libcrypto, "half of the rows hooked");
  REQUIRE(tally.breakpoints > 0 && tally.brittle == 0);
}

static void entries_tell_when_breakpoints_would_break_them(void **state)
{
  (void)state;
  assert_true(in_child(one_by_one_with_breakpoints));
}

static int start(void **state)
{
  (void)state;
  seed = random_seed();
  return !code_find(&libc, "libc.so.6") || !code_find(&libcrypto, "libcrypto.so.3");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_entry_of_libc),
      cmocka_unit_test(random_instructions_of_libcrypto),
      cmocka_unit_test(instructions_of_libcrypto_one_by_one),
      cmocka_unit_test(entries_tell_when_breakpoints_would_break_them),
  };

  return cmocka_run_group_tests(tests, start, NULL);
}
