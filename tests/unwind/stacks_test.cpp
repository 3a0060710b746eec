// Exceptions out of callbacks on stacks that are not the thread's own: coroutines' and signal handlers'. They are caught on the
// same stack, or by who switched to it; the library is fit for the next hit, on this thread and others.
#include "throwing.h"

#include <csignal>
#include <pthread.h>
#include <sys/mman.h>
extern "C" {
#include "stacks.h"
}

enum { TIMES = 50, STACK = 256 * 1024 };
static volatile int caught;
static uint8_t *stack;

static sighook_hook installed_here(sighook_handler handler, uint32_t flags)
{
  sighook_hook hook = installed((uintptr_t)touches_nothing, handler, flags);

  expect_entry(hook, flags);
  return hook;
}

static void *hit_once(void *)
{
  touches_nothing(1);
  return nullptr;
}

// Nobody is taken to be inside a handler any more, and hits are delivered here, there and on other threads.
static void expect_fit(sighook_hook hook, uint32_t flags)
{
  sighook_hook other;
  pthread_t thread;

  assert_int_equal(sighook_remove_wait(hook, 2000), SIGHOOK_OK);
  other = installed_here(count, flags);
  hits = 0;
  assert_int_equal(pthread_create(&thread, nullptr, hit_once, nullptr), 0);
  assert_int_equal(pthread_join(thread, nullptr), 0);
  assert_int_equal(touches_nothing(1), 2);
  assert_int_equal(run_on(stack + STACK, touches_nothing, 1), 2);
  assert_int_equal(hits, 3);
  assert_int_equal(sighook_remove_wait(other, 2000), SIGHOOK_OK);
}

static long hit_with_cleaner(long n)
{
  cleaner here;

  return touches_nothing(n) + 1;
}

static long hit_and_catch(long n)
{
  try {
    return hit_with_cleaner(n);
  } catch (int value) {
    return value + n;
  }
}

static void an_exception_on_a_coroutine_is_caught_there(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook = installed_here(throw_it, flags);

    hits = cleaned = 0;
    for (long i = 1; i <= TIMES; i++)
      assert_int_equal(run_on(stack + STACK, hit_and_catch, i), 42 + i);
    assert_int_equal(hits, TIMES);
    assert_int_equal(cleaned, TIMES);
    expect_fit(hook, flags);
  }
}

static void an_exception_on_a_coroutine_is_caught_by_who_switched_to_it(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook = installed_here(throw_it, flags);

    hits = cleaned = 0;
    for (long i = 1; i <= TIMES; i++) {
      caught = 0;
      try {
        run_on(stack + STACK, hit_with_cleaner, i);
      } catch (int value) {
        caught = value;
      }
      assert_int_equal(caught, 42);
    }
    assert_int_equal(hits, TIMES);
    assert_int_equal(cleaned, TIMES);
    expect_fit(hook, flags);
  }
}

static void catch_in_handler(int number)
{
  caught = (int)hit_and_catch(number);
}

static void an_exception_on_a_signal_stack_is_caught_there(void **)
{
  struct sigaction action = {};
  stack_t alternate = {};

  alternate.ss_sp = stack;
  alternate.ss_size = STACK;
  action.sa_handler = catch_in_handler;
  action.sa_flags = SA_ONSTACK;
  assert_int_equal(sigaltstack(&alternate, nullptr), 0);
  assert_int_equal(sigaction(SIGUSR1, &action, nullptr), 0);
  for (uint32_t flags : entries) {
    sighook_hook hook = installed_here(throw_it, flags);

    hits = cleaned = 0;
    for (long i = 1; i <= TIMES; i++) {
      caught = 0;
      assert_int_equal(raise(SIGUSR1), 0);
      assert_int_equal(caught, 42 + SIGUSR1);
    }
    assert_int_equal(hits, TIMES);
    assert_int_equal(cleaned, TIMES);
    alternate.ss_flags = SS_DISABLE;    // the coroutine's turn
    assert_int_equal(sigaltstack(&alternate, nullptr), 0);
    expect_fit(hook, flags);
    alternate.ss_flags = 0;
    assert_int_equal(sigaltstack(&alternate, nullptr), 0);
  }
}

int main()
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_exception_on_a_coroutine_is_caught_there),
      cmocka_unit_test(an_exception_on_a_coroutine_is_caught_by_who_switched_to_it),
      cmocka_unit_test(an_exception_on_a_signal_stack_is_caught_there),
  };

  stack = (uint8_t *)mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED)
    return 1;
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
