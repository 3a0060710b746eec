// Exceptions, cancellations and thread exits through hooked functions and out of callbacks: who is in between is cleaned up as without
// hooks, and the library is fit for the next hit, on this thread and others.
#include "throwing.h"

#include <cstdlib>
#include <exception>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include "patterns.h"
#include "leaving_machine.h"

static void *hit_once(void *)
{
  adds_1234(1);
  return nullptr;
}

// A hit on a new thread is delivered, and nobody is taken to be inside a handler any more.
static void expect_fit(sighook_hook hook)
{
  sighook_hook other = installed((uintptr_t)adds_1234, count, 0);
  pthread_t thread;

  hits = 0;
  assert_int_equal(pthread_create(&thread, nullptr, hit_once, nullptr), 0);
  assert_int_equal(pthread_join(thread, nullptr), 0);
  adds_1234(1);
  assert_int_equal(hits, 2);
  assert_int_equal(sighook_remove_wait(other, 2000), SIGHOOK_OK);
  assert_int_equal(sighook_remove_wait(hook, 2000), SIGHOOK_OK);
}

/* ---- exceptions ---- */

extern "C" {
__attribute__((noinline)) long thrower(long n)
{
  if (n)
    throw n;
  return n;
}

__attribute__((noinline)) long passes(long n)
{
  cleaner here;

  return thrower(n) + 1;
}

__attribute__((noinline)) long catches(long n)
{
  try {
    return thrower(n) + 1;
  } catch (long value) {
    return -value;
  } catch (int value) {
    return -value;
  }
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

static void an_exception_passes_through_a_hooked_function(void **)
{
  uintptr_t at = machine_call_of((const void *)passes, (const void *)thrower);

  for (uint32_t flags : entries) {
    sighook_hook entry = installed((uintptr_t)passes, count, flags);
    sighook_hook call = installed(at, count, flags);
    sighook_hook thrown = installed((uintptr_t)thrower, count, flags);

    hits = cleaned = 0;
    for (long i = 1; i <= 50; i++)
      assert_int_equal(thrown_by(passes, i), 1000 + i);
    assert_int_equal(hits, 150);
    assert_int_equal(cleaned, 100);
    assert_int_equal(sighook_remove(thrown), SIGHOOK_OK);
    assert_int_equal(sighook_remove(call), SIGHOOK_OK);
    expect_fit(entry);
  }
}

static void an_exception_out_of_a_callback_at_an_entry_is_one_of_the_call(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook = installed((uintptr_t)adds_1234, throw_it, flags);

    hits = cleaned = 0;
    for (long i = 1; i <= 50; i++)
      assert_int_equal(thrown_by(adds_1234, i), 2042);
    assert_int_equal(hits, 50);
    assert_int_equal(cleaned, 50);
    assert_int_equal(sighook_remove_wait(hook, 2000), SIGHOOK_OK);
    expect_fit(installed((uintptr_t)passes, count, flags));
  }
}

static void an_exception_out_of_a_callback_at_a_call_is_caught_by_the_function(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook = installed(machine_call_of((const void *)catches, (const void *)thrower), throw_it, flags);

    hits = 0;
    for (long i = 1; i <= 50; i++)
      assert_int_equal(thrown_by(catches, i), -42);
    assert_int_equal(hits, 50);
    expect_fit(hook);
  }
}

static void end_by_terminate()
{
  _exit(42);
}

// Its table covers its call only.
static void an_exception_where_the_function_expects_none_terminates(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook = installed((uintptr_t)catches, throw_it, flags);
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
      std::set_terminate(end_by_terminate);
      thrown_by(catches, 1);
      _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    assert_int_equal(sighook_remove_wait(hook, 2000), SIGHOOK_OK);
  }
}

/* ---- threads that end ---- */

static volatile bool waiting;
static volatile long ended_by_exit;

static void wait_for_ever(sighook_context *, void *)
{
  cleaner here;

  waiting = true;
  for (;;)
    pause();
}

static void exit_thread(sighook_context *, void *)
{
  cleaner here;

  pthread_exit((void *)77);
}

extern "C" __attribute__((noinline)) long waits(long n)
{
  cleaner here;

  waiting = true;
  pause();
  return n;
}

static void *call_with_cleaner(void *function)
{
  cleaner here;

  ((long (*)(long))function)(1);
  ended_by_exit = 1;
  return nullptr;
}

static void *ended(long (*function)(long), bool cancelled)
{
  pthread_t thread;
  void *result;

  waiting = false;
  cleaned = ended_by_exit = 0;
  assert_int_equal(pthread_create(&thread, nullptr, call_with_cleaner, (void *)function), 0);
  while (cancelled && !waiting)
    usleep(100);
  if (cancelled)
    assert_int_equal(pthread_cancel(thread), 0);
  assert_int_equal(pthread_join(thread, &result), 0);
  assert_int_equal(ended_by_exit, 0);
  assert_int_equal(cleaned, 2);
  return result;
}

static void a_thread_is_cancelled_inside_a_callback(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook = installed((uintptr_t)tests_and_branches, wait_for_ever, flags);

    assert_ptr_equal(ended(tests_and_branches, true), PTHREAD_CANCELED);
    expect_fit(hook);
  }
}

static void a_thread_is_cancelled_inside_a_hooked_function(void **)
{
  uintptr_t at = machine_call_of((const void *)waits, nullptr);

  for (uint32_t flags : entries) {
    sighook_hook hook = installed((uintptr_t)waits, count, flags);
    sighook_hook call = installed(at, count, flags);

    assert_ptr_equal(ended(waits, true), PTHREAD_CANCELED);
    assert_int_equal(sighook_remove_wait(call, 2000), SIGHOOK_OK);
    expect_fit(hook);
  }
}

static void a_thread_exits_out_of_a_callback(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook = installed((uintptr_t)tests_and_branches, exit_thread, flags);

    assert_ptr_equal(ended(tests_and_branches, false), (void *)77);
    expect_fit(hook);
  }
}

// C++ has no place for an exception at each instruction of a function that cleans up: its caller does.
extern "C" __attribute__((noinline)) long hits_for_ever(long)
{
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
  waiting = true;
  for (long i = 0;; i++)
    adds_1234(i);
  return 0;
}

// Wherever it is: in the function, its stub, the capture or the callback.
static void a_thread_is_cancelled_anywhere(void **)
{
  for (uint32_t flags : entries) {
    sighook_hook hook;

    if (flags & SIGHOOK_FORCE_TRAP && !MACHINE_UNWINDS_SIGNAL_RETURNS)
      continue;
    hook = installed((uintptr_t)adds_1234, count, flags);
    for (unsigned round = 0; round < (getenv("SIGHOOK_LONG") ? 5000 : 300); round++) {
      pthread_t thread;
      void *result;

      waiting = false;
      cleaned = 0;
      assert_int_equal(pthread_create(&thread, nullptr, call_with_cleaner, (void *)hits_for_ever), 0);
      while (!waiting)
        ;
      for (volatile unsigned i = 0; i < round * 7; i = i + 1)
        ;
      assert_int_equal(pthread_cancel(thread), 0);
      assert_int_equal(pthread_join(thread, &result), 0);
      assert_ptr_equal(result, PTHREAD_CANCELED);
      assert_int_equal(cleaned, 1);
    }
    assert_int_equal(sighook_remove_wait(hook, 2000), SIGHOOK_OK);
    expect_fit(installed((uintptr_t)passes, count, flags));
  }
}

int main()
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_exception_passes_through_a_hooked_function),
      cmocka_unit_test(an_exception_out_of_a_callback_at_an_entry_is_one_of_the_call),
      cmocka_unit_test(an_exception_out_of_a_callback_at_a_call_is_caught_by_the_function),
      cmocka_unit_test(an_exception_where_the_function_expects_none_terminates),
      cmocka_unit_test(a_thread_is_cancelled_inside_a_callback),
      cmocka_unit_test(a_thread_is_cancelled_inside_a_hooked_function),
      cmocka_unit_test(a_thread_exits_out_of_a_callback),
      cmocka_unit_test(a_thread_is_cancelled_anywhere),
  };

  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
