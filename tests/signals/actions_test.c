/* What the program does with the library's signal besides handling it: interrupted system calls, ignoring, taking it
 * back. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include "child.h"
#include "faults.h"
#include "live.h"
#include "ours.h"

enum {
  SKIPPED = 77
};

static struct sigaction action;
static volatile int calls, claims;

static void note_call(int signal_number)
{
  REQUIRE(signal_number == TESTED);
  calls++;
}

static void ask(int signal_number, siginfo_t *info, void *context)
{
  REQUIRE(sighook_handle_signal(signal_number, info, context) == 1);
  claims++;
}

static void arm(void)
{
  REQUIRE(sigaction(TESTED, &action, NULL) == 0);
}

/* ---- system calls ---- */

enum {
  WHILE_US = 50000
};

static int ends[2];
static pthread_t reader;

static void *interrupt_then_write(void *unused)
{
  usleep(WHILE_US);
  pthread_kill(reader, TESTED);
  usleep(WHILE_US);
  REQUIRE(write(ends[1], "x", 1) == 1);
  return unused;
}

/* What a read that waits comes to, when the signal comes meanwhile. */
static ssize_t read_meanwhile(void)
{
  pthread_t writer;
  char byte;
  ssize_t count;

  ours_start();
  reader = pthread_self();
  REQUIRE(pipe(ends) == 0 && pthread_create(&writer, NULL, interrupt_then_write, NULL) == 0);
  count = read(ends[0], &byte, 1);
  pthread_join(writer, NULL);
  return count;
}

static void read_on(void)
{
  arm();
  REQUIRE(read_meanwhile() == 1 && calls == (action.sa_handler != SIG_IGN));
}

static void read_interrupted(void)
{
  arm();
  REQUIRE(read_meanwhile() == -1 && calls == 1);
}

static void system_calls_go_on_where_the_program_said_so(void **state)
{
  (void)state;
  action = (struct sigaction){.sa_handler = note_call};
  assert_true(in_child(read_interrupted));
  action.sa_flags = SA_RESTART;
  assert_true(in_child(read_on));
  action = (struct sigaction){.sa_handler = SIG_IGN};
  assert_true(in_child(read_on));
}

/* ---- taken back ---- */

static void hit_after(void (*disposition)(int))
{
  ours_start();
  ours_hit();
  signal(TESTED, disposition);
  ours_change();
  ours_hit();
}

static void ignored_since(void)
{
  hit_after(SIG_IGN);
  REQUIRE(raise(TESTED) == 0 && kill(getpid(), TESTED) == 0);
}

static void ignored_before(void)
{
  signal(TESTED, SIG_IGN);
  ours_start();
  ours_hit();
  REQUIRE(raise(TESTED) == 0 && kill(getpid(), TESTED) == 0);
}

static void ignored_and_trapped(void)
{
  ignored_before();
  (TESTED == SIGILL ? illegal : breaks)(1);
}

static void by_default_since(void)
{
  hit_after(SIG_DFL);
}

static void by_default_and_sent(void)
{
  hit_after(SIG_DFL);
  raise(TESTED);
}

static void what_is_ignored_stays_so_and_our_traps_work(void **state)
{
  (void)state;
  assert_true(in_child(ignored_before));
  assert_true(in_child(ignored_since));
  assert_true(child_is_killed_by(TESTED, ignored_and_trapped));
}

static void a_signal_taken_back_is_ours_again_with_the_next_change(void **state)
{
  (void)state;
  assert_true(in_child(by_default_since));
  assert_true(child_is_killed_by(TESTED, by_default_and_sent));
}

static void keep_another(void)
{
  struct sigaction now;

  ours_start();
  action = (struct sigaction){.sa_sigaction = ask, .sa_flags = SA_SIGINFO};
  arm();
  ours_change();
  REQUIRE(sigaction(TESTED, NULL, &now) == 0 && now.sa_sigaction == ask);
  claims = 0;
  ours_hit();
  REQUIRE(claims == 1);
}

static void a_handler_that_came_later_stays_with_the_next_change(void **state)
{
  (void)state;
  assert_true(in_child(keep_another));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(system_calls_go_on_where_the_program_said_so),
      cmocka_unit_test(what_is_ignored_stays_so_and_our_traps_work),
      cmocka_unit_test(a_signal_taken_back_is_ours_again_with_the_next_change),
      cmocka_unit_test(a_handler_that_came_later_stays_with_the_next_change),
  };

  if (!ours_is_possible()) {
    printf("skip - this CPU has no table of bytes that are no instruction\n");
    return SKIPPED;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
