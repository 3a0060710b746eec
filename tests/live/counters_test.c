/* Counting alone is led to by the entry itself: what joins it, and what is switched off, is seen all the same. */
#include "live.h"
#include "patterns.h"

enum { CALLS = 100 };

static void call(unsigned times)
{
  for (unsigned i = 0; i < times; i++)
    assert_int_equal(adds_1234((long)i), (long)i + 1234);
}

static uint64_t counted(sighook_hook hook)
{
  sighook_info info = {.size = sizeof info};

  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_int_equal(info.missed, 0);
  return info.hits;
}

static void on_each_entry(void (*check)(uint32_t flags))
{
  check(SIGHOOK_COUNT);
  check(SIGHOOK_COUNT | SIGHOOK_FORCE_TRAP);
}

static void toggle(uint32_t flags)
{
  sighook_hook hook = installed(probe(adds_1234, NULL, flags));

  for (unsigned i = 1; i <= 3; i++) {
    call(CALLS);
    assert_int_equal(sighook_disable(hook), SIGHOOK_OK);
    call(CALLS);
    assert_int_equal(counted(hook), i * CALLS);
    assert_int_equal(sighook_enable(hook), SIGHOOK_OK);
  }
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  call(1);
}

static void a_counter_that_is_disabled_stands_still(void **state)
{
  (void)state;
  on_each_entry(toggle);
}

static void join(uint32_t flags)
{
  sighook_hook counter = installed(probe(adds_1234, NULL, flags));
  sighook_hook handler, other;

  hits = 0;
  call(CALLS);
  handler = installed(probe(adds_1234, count, flags & ~(uint32_t)SIGHOOK_COUNT));
  call(CALLS);
  assert_int_equal(hits, CALLS);
  assert_int_equal(sighook_remove(handler), SIGHOOK_OK);
  call(CALLS);
  other = installed(probe(adds_1234, NULL, flags));
  call(CALLS);
  assert_int_equal(hits, CALLS);
  assert_int_equal(counted(counter), 4 * CALLS);
  assert_int_equal(counted(other), CALLS);
  assert_int_equal(sighook_remove(counter), SIGHOOK_OK);
  call(CALLS);
  assert_int_equal(counted(other), 2 * CALLS);
  assert_int_equal(sighook_remove(other), SIGHOOK_OK);
}

static void handlers_and_counters_join_a_counter_and_leave_it(void **state)
{
  (void)state;
  on_each_entry(join);
}

static void begin_disabled(uint32_t flags)
{
  sighook_hook hook = installed(probe(adds_1234, NULL, flags | SIGHOOK_START_DISABLED));

  call(CALLS);
  assert_int_equal(counted(hook), 0);
  assert_int_equal(sighook_enable(hook), SIGHOOK_OK);
  call(CALLS);
  assert_int_equal(counted(hook), CALLS);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static void a_counter_that_begins_disabled_counts_once_enabled(void **state)
{
  (void)state;
  on_each_entry(begin_disabled);
}

static sighook_hook handled;
static uint64_t inner;

static void ignore_then_call(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  sighook_thread_ignore(1);
  adds_1234(1);
  sighook_thread_ignore(-1);
  inner++;
}

/* A thread that ignores hits has no record that captures would see: its handlers stay off, and afterwards all is as before. */
static void a_thread_that_ignores_hits_runs_no_handler(void **state)
{
  (void)state;
  handled = installed(probe(adds_1234, count, 0));
  hits = 0;
  sighook_thread_ignore(1);
  call(CALLS);
  assert_int_equal(hits, 0);
  sighook_thread_ignore(1);
  sighook_thread_ignore(-1);
  call(CALLS);
  assert_int_equal(hits, 0);
  sighook_thread_ignore(-1);
  call(CALLS);
  assert_int_equal(hits, CALLS);
  assert_int_equal(sighook_remove(handled), SIGHOOK_OK);
  handled = installed(probe(adds_1234, ignore_then_call, SIGHOOK_ALLOW_RECURSION));
  call(CALLS);
  assert_int_equal(inner, CALLS);
  assert_int_equal(sighook_remove(handled), SIGHOOK_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_counter_that_is_disabled_stands_still),
      cmocka_unit_test(handlers_and_counters_join_a_counter_and_leave_it),
      cmocka_unit_test(a_counter_that_begins_disabled_counts_once_enabled),
      cmocka_unit_test(a_thread_that_ignores_hits_runs_no_handler),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
