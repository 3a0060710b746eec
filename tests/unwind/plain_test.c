/* A C program, which has no unwinder of its own: backtrace() and pthread_cancel() load one when they are called. Samples taken by a
 * timer's signal, wherever it comes, lead back to who called; so does a backtrace inside a callback; and a thread that is
 * cancelled there runs its cleanup handlers. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
#include "live.h"
#include "patterns.h"
#include "traced_machine.h"

enum { DEPTH = 64, SAMPLES_IN_STUBS = 3, SAMPLES_MAX = 20000, INTERVAL = 500 };

static void *outer[DEPTH];           /* the callers of `turns`, which every sample has to end with */
static int outer_count;
static volatile long samples, in_stubs, wrong;
static volatile sig_atomic_t over;

static bool ends_with_outer(void *const *frames, int count)
{
  return count > outer_count && memcmp(frames + count - outer_count, outer, (size_t)outer_count * sizeof *outer) == 0;
}

static void sample(int number, siginfo_t *info, void *ucontext)
{
  void *frames[DEPTH];
  uintptr_t pc = machine_pc_of(ucontext);

  (void)number;
  (void)info;
  samples++;
  wrong += !ends_with_outer(frames, backtrace(frames, DEPTH));
  in_stubs += sighook_original_pc(pc) != pc;
  over = in_stubs >= SAMPLES_IN_STUBS || samples >= SAMPLES_MAX;
}

static void look_back(sighook_context *context, void *user)
{
  void *frames[DEPTH];

  (void)context;
  *(bool *)user = ends_with_outer(frames, backtrace(frames, DEPTH));
}

/* Turns in the hooked function until `over`; the first call only notes who calls. */
static __attribute__((noinline)) void turns(bool note)
{
  if (note) {
    void *frames[DEPTH];
    int count = backtrace(frames, DEPTH);

    outer_count = count - 1;         /* but itself */
    memcpy(outer, frames + 1, (size_t)outer_count * sizeof *outer);
    return;
  }
  do
    adds_1234(1);
  while (!over);
  hits++;                            /* nothing is called last */
}

static void from_one_place(sighook_handler handler, void *user, uint32_t flags, bool sampled)
{
  struct itimerval interval = {{0, INTERVAL}, {0, INTERVAL}}, none = {{0, 0}, {0, 0}};
  sighook_spec spec = probe(adds_1234, handler, flags);
  sighook_hook hook;

  for (volatile int i = 0; i < 2; i++) {
    if (i) {
      spec.user = user;
      hook = installed(spec);
      if (sampled)
        setitimer(ITIMER_PROF, &interval, NULL);
    }
    turns(i == 0);
  }
  setitimer(ITIMER_PROF, &none, NULL);
  assert_int_equal(sighook_remove_wait(hook, 1000), SIGHOOK_OK);
}

static void samples_lead_back_from_wherever_they_are_taken(void **state)
{
  static const uint32_t entries[] = {0, SIGHOOK_FORCE_TRAP};
  struct sigaction action = {.sa_sigaction = sample, .sa_flags = SA_SIGINFO | SA_RESTART};

  (void)state;
  sigaction(SIGPROF, &action, NULL);
  for (unsigned i = 0; i < 2; i++) {
    samples = in_stubs = wrong = over = 0;
    from_one_place(count, NULL, entries[i], true);   /* which calls nothing: linkers' stubs have no unwind tables on AArch64 */
    assert_int_equal(wrong, 0);
    assert_true(in_stubs >= SAMPLES_IN_STUBS);
  }
}

static void a_backtrace_in_a_callback_leads_back(void **state)
{
  static const uint32_t entries[] = {0, SIGHOOK_FORCE_TRAP, SIGHOOK_COUNT};

  (void)state;
  over = 1;
  for (unsigned i = 0; i < 3; i++) {
    bool right = false;

    from_one_place(look_back, &right, entries[i], false);
    assert_true(right);
  }
}

static volatile bool waiting, cleaned;

static void wait_for_ever(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  waiting = true;
  for (;;)
    pause();
}

static void clean(void *unused)
{
  (void)unused;
  cleaned = true;
}

static void *hit(void *unused)
{
  pthread_cleanup_push(clean, NULL);
  adds_1234(1);
  pthread_cleanup_pop(0);
  return unused;
}

static void be_cancelled_in_a_callback(uint32_t flags)
{
  sighook_hook hook = installed(probe(adds_1234, wait_for_ever, flags)), other;
  pthread_t thread;
  void *result;

  waiting = cleaned = false;
  assert_int_equal(pthread_create(&thread, NULL, hit, NULL), 0);
  while (!waiting)
    usleep(100);
  assert_int_equal(pthread_cancel(thread), 0);
  assert_int_equal(pthread_join(thread, &result), 0);
  assert_ptr_equal(result, PTHREAD_CANCELED);
  assert_true(cleaned);
  assert_int_equal(sighook_remove_wait(hook, 2000), SIGHOOK_OK);
  other = installed(probe(adds_1234, count, flags));
  hits = 0;
  assert_int_equal(pthread_create(&thread, NULL, hit, NULL), 0);      /* which takes the record over */
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove_wait(other, 2000), SIGHOOK_OK);
}

static void a_thread_that_is_cancelled_in_a_callback_cleans_up(void **state)
{
  static const uint32_t entries[] = {0, SIGHOOK_FORCE_TRAP, SIGHOOK_COUNT, SIGHOOK_FORCE_TRAP | SIGHOOK_COUNT};

  (void)state;
  for (unsigned i = 0; i < 4; i++)
    be_cancelled_in_a_callback(entries[i]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_thread_that_is_cancelled_in_a_callback_cleans_up),
      cmocka_unit_test(a_backtrace_in_a_callback_leads_back),
      cmocka_unit_test(samples_lead_back_from_wherever_they_are_taken),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
