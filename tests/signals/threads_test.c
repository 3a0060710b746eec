/* Other threads block SIGTRAP: a trap is refused where one of them could meet it, and only there. */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "child.h"
#include "live.h"
#include "patterns.h"
#include "refused.h"
#include "ring.h"

enum {
  TOGGLES = 100,
  PAUSE = 1000,
  BYTES = 16
};

extern char **environ;
static atomic_int sleeper, stage; /* its thread id; how far the test wants it */

static sighook_spec trap_spec(void)
{
  return probe(adds_1234, count, SIGHOOK_FORCE_TRAP);
}

static void require_trap_works(void)
{
  sighook_spec spec = trap_spec();
  sighook_hook hook;

  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  hits = 0;
  REQUIRE(adds_1234(1) == 1235 && hits == 1);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
}

static void wait_for_stage(int wanted)
{
  while (atomic_load(&stage) < wanted)
    usleep(PAUSE);
}

static void *block_until_told(void *unused)
{
  sigset_t set;
  int signal_number;

  mask_signal(SIG_BLOCK, SIGTRAP);
  atomic_store(&sleeper, thread_id());
  wait_for_stage(1);
  sigemptyset(&set);
  sigaddset(&set, SIGTRAP);
  REQUIRE(sigwait(&set, &signal_number) == 0 && signal_number == SIGTRAP);
  mask_signal(SIG_UNBLOCK, SIGTRAP);
  atomic_store(&stage, 2);
  wait_for_stage(3);
  return unused;
}

static void refuse_for_another(void)
{
  sighook_spec spec = trap_spec(), branch = probe(adds_1234, count, SIGHOOK_REQUIRE_BRANCH);
  sighook_info info = {.size = sizeof info};
  uint8_t before[BYTES];
  sighook_hook hook;
  pthread_t thread;

  memcpy(before, (const void *)(uintptr_t)adds_1234, sizeof before);
  REQUIRE(pthread_create(&thread, NULL, block_until_told, NULL) == 0);
  while (!atomic_load(&sleeper))
    usleep(PAUSE);
  for (int round = 0; round < 2; round++) { /* the second while it waits for one by sigwait */
    atomic_store(&stage, round);
    usleep(10 * PAUSE);
    require_refused(sighook_check(&spec, &info), atomic_load(&sleeper), "SIGTRAP");
    require_refused(sighook_install(&spec, &hook), atomic_load(&sleeper), "SIGTRAP");
    REQUIRE(memcmp(before, (const void *)(uintptr_t)adds_1234, sizeof before) == 0);
    REQUIRE(sighook_install(&branch, &hook) == SIGHOOK_OK && sighook_remove(hook) == SIGHOOK_OK);
  }
  REQUIRE(pthread_kill(thread, SIGTRAP) == 0);
  wait_for_stage(2);
  require_trap_works();
  atomic_store(&stage, 3);
  pthread_join(thread, NULL);
  require_trap_works();
}

static void a_trap_is_refused_for_a_thread_that_blocks_it(void **state)
{
  (void)state;
  assert_true(in_child(refuse_for_another));
}

/* ---- for a moment only ---- */

static void *return_at_once(void *unused)
{
  return unused;
}

static void *start_threads_and_programs(void *unused)
{
  static char *const arguments[] = {"true", NULL};

  for (unsigned i = 0; atomic_load(&stage) == 0; i++) {
    pthread_t thread;
    pid_t program;

    if (i % 16 == 0 && posix_spawn(&program, "/proc/self/exe", NULL, NULL, arguments, environ) == 0)
      waitpid(program, NULL, 0);
    REQUIRE(pthread_create(&thread, NULL, return_at_once, NULL) == 0);
    pthread_join(thread, NULL);
  }
  return unused;
}

static void toggle_meanwhile(void)
{
  pthread_t thread;

  REQUIRE(pthread_create(&thread, NULL, start_threads_and_programs, NULL) == 0);
  for (unsigned i = 0; i < TOGGLES; i++)
    require_trap_works();
  atomic_store(&stage, 1);
  pthread_join(thread, NULL);
}

static void who_blocks_all_signals_for_a_moment_does_not_count(void **state)
{
  (void)state;
  assert_true(in_child(toggle_meanwhile));
}

/* ---- who never runs the program's code ---- */

static void work_beside_a_ring(void)
{
  int worker = ring_start_worker();

  REQUIRE(worker > 0 && ring_worker_blocks(worker, SIGTRAP));
  require_trap_works();
  REQUIRE(ring_worker_blocks(worker, SIGTRAP));
}

static void the_kernels_own_threads_do_not_count(void **state)
{
  (void)state;
  if (!ring_is_possible()) {
    print_message("this system has no io_uring\n");
    skip();
  }
  assert_true(in_child(work_beside_a_ring));
}

int main(int count_of_arguments, char **arguments)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_trap_is_refused_for_a_thread_that_blocks_it),
      cmocka_unit_test(who_blocks_all_signals_for_a_moment_does_not_count),
      cmocka_unit_test(the_kernels_own_threads_do_not_count),
  };

  if (count_of_arguments && strcmp(arguments[0], "true") == 0) /* spawned by ourselves */
    return 0;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
