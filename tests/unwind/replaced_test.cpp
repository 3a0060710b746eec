// Exceptions through replaced functions: thrown by the old function, which the replacement calls by call_original, and out of
// callbacks at the same place. Whoever is in between is cleaned up, and the next call is replaced as before.
#include "throwing.h"

enum { TIMES = 50 };
static volatile long replaced;

extern "C" {
__attribute__((noinline)) long throws(long n)
{
  if (n)
    throw n;
  return n;
}

// What is replaced.
__attribute__((noinline)) long passes(long n)
{
  cleaner here;

  return throws(n) + 1;
}

__attribute__((noinline)) long calls(long n)
{
  cleaner here;

  return passes(n) + 1;
}
}

static long (*old_passes)(long), (*old_throws)(long);

static long goes_through(long n)
{
  cleaner here;

  replaced = replaced + 1;
  return old_passes(n) + 10;
}

static long throws_another(long n)
{
  replaced = replaced + 1;
  try {
    return old_throws(n);
  } catch (long value) {
    throw value + 500;
  }
}

static long catches(long n)
{
  replaced = replaced + 1;
  try {
    return old_passes(n);
  } catch (long value) {
    return -value;
  }
}

static long thrown_by(long (*function)(long), long n)
{
  try {
    cleaner here;

    return function(n);
  } catch (long value) {
    return 1000 + value;
  } catch (int value) {
    return 2000 + value;
  }
}

static sighook_hook replace(long (*function)(long), long (*by)(long), long (**old)(long), uint32_t flags)
{
  sighook_spec spec = {};
  sighook_hook hook;

  spec.size = sizeof spec;
  spec.kind = SIGHOOK_REPLACE;
  spec.flags = flags;
  spec.address = (uintptr_t)function;
  spec.replacement = (const void *)by;
  spec.call_original = (void **)old;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  return hook;
}

// One call throws, the next does not.
static void expect_calls()
{
  replaced = cleaned = 0;
  for (long i = 1; i <= TIMES; i++) {
    assert_int_equal(thrown_by(calls, i), 1000 + i);
    assert_int_equal(thrown_by(calls, 0), 12);
  }
  assert_int_equal(replaced, 2 * TIMES);
  assert_int_equal(cleaned, 2 * TIMES * 4);
}

static void an_exception_of_the_old_function_passes_through_the_replacement(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook = replace(passes, goes_through, &old_passes, flags);

    expect_entry(hook, flags);
    expect_calls();
    assert_int_equal(sighook_remove_wait(hook, 2000), SIGHOOK_OK);
    assert_int_equal(thrown_by(calls, 3), 1003);
    assert_int_equal(replaced, 2 * TIMES);
  }
  assert_int_equal(sighook_inline_hook((uintptr_t)passes, (const void *)goes_through, (void **)&old_passes, nullptr), SIGHOOK_OK);
  expect_calls();
  assert_int_equal(sighook_unhook((uintptr_t)passes), SIGHOOK_OK);
}

static void a_replacement_catches_what_the_old_function_throws(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook = replace(passes, catches, &old_passes, flags);
    sighook_hook thrower = replace(throws, throws_another, &old_throws, flags);

    cleaned = replaced = 0;
    for (long i = 1; i <= TIMES; i++)
      assert_int_equal(thrown_by(calls, i), -(i + 500) + 1);
    assert_int_equal(cleaned, 3 * TIMES);
    assert_int_equal(replaced, 2 * TIMES);
    assert_int_equal(sighook_remove_wait(thrower, 2000), SIGHOOK_OK);
    assert_int_equal(sighook_remove_wait(hook, 2000), SIGHOOK_OK);
  }
}

/* ---- callbacks ---- */

static volatile bool throwing;

static void throw_if_told(sighook_context *, void *)
{
  hits = hits + 1;
  if (throwing)
    throw 42;
}

// Before the replacement is entered. The function has no table of its own, which would not cover its entry.
static void an_exception_out_of_a_callback_at_a_replaced_function_is_one_of_the_call(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook = replace(throws, throws_another, &old_throws, flags);
    sighook_hook probe = installed((uintptr_t)throws, throw_if_told, flags);

    hits = cleaned = replaced = 0;
    for (long i = 1; i <= TIMES; i++) {
      throwing = true;
      assert_int_equal(thrown_by(calls, i), 2042);
      throwing = false;
      assert_int_equal(thrown_by(calls, i), 1500 + i);
    }
    assert_int_equal(hits, 2 * TIMES);
    assert_int_equal(replaced, TIMES);
    assert_int_equal(cleaned, 2 * 3 * TIMES);
    assert_int_equal(sighook_remove_wait(probe, 2000), SIGHOOK_OK);
    assert_int_equal(sighook_remove_wait(hook, 2000), SIGHOOK_OK);
  }
}

int main()
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_exception_of_the_old_function_passes_through_the_replacement),
      cmocka_unit_test(a_replacement_catches_what_the_old_function_throws),
      cmocka_unit_test(an_exception_out_of_a_callback_at_a_replaced_function_is_one_of_the_call),
  };

  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
