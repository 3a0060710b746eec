/* Children that are forked while another thread is just starting the library, at its first call, with a branch or with the first
 * trap. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sighook/sighook.h>
#include "chance.h"
#include "require.h"

enum { TIMES = 60, TIMES_BY_TRAP = 25, TIMES_LONG = 1000, SPINS = 40000, LIMIT_S = 20 };

static uint64_t chance;
static volatile unsigned hits;         /* the compiler knows that plus_one changes nothing */
static uint32_t entry;                 /* the one tried */

static __attribute__((noinline)) long plus_one(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

static void *hook(void *ready)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)plus_one, .handler = count,
                       .flags = entry};
  sighook_info info = {.size = sizeof info};
  sighook_status status;
  sighook_hook hook;

  if (ready)
    __atomic_store_n((int *)ready, 1, __ATOMIC_RELEASE);
  while ((status = sighook_install(&spec, &hook)) == SIGHOOK_SIGNAL_FAILED && entry)
    ;                                  /* libc has every signal blocked while it forks, for long on a busy machine */
  REQUIRE(status == SIGHOOK_OK);
  if (!ready)                          /* else another thread may be installing the same */
    REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK && (info.entry == SIGHOOK_ENTRY_TRAP) == (entry == SIGHOOK_FORCE_TRAP));
  return NULL;
}

static void await(pid_t child)
{
  int status;

  REQUIRE(waitpid(child, &status, 0) == child);
  if (status != 0)
    fprintf(stderr, "the child ended with %#x\n", (unsigned)status);
  REQUIRE(status == 0);
}

/* What the other thread was at may be whole, half done or not begun. */
static void hook_in_child(void)
{
  signal(SIGALRM, SIG_DFL);
  alarm(LIMIT_S);
  hook(NULL);
  hits = 0;
  REQUIRE(plus_one(1) == 2 && hits >= 1);
  _exit(0);
}

static void start_and_fork(pid_t (*make_child)(void), unsigned spins)
{
  pthread_t thread;
  int ready = 0;
  pid_t child;

  REQUIRE(pthread_create(&thread, NULL, hook, &ready) == 0);
  while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
    ;
  for (volatile unsigned i = 0; i < spins; i++)
    ;
  child = make_child();
  if (child == 0)
    hook_in_child();
  await(child);
  pthread_join(thread, NULL);
  hook(NULL);
  hits = 0;
  REQUIRE(plus_one(1) == 2 && hits == 2);      /* the child's is its own */
  _exit(0);
}

static void many_times(pid_t (*make_child)(void))
{
  unsigned times = getenv("SIGHOOK_LONG") ? TIMES_LONG : entry ? TIMES_BY_TRAP : TIMES;

  chance = random_seed();
  for (unsigned i = 0; i < times; i++) {
    unsigned spins = (unsigned)(random_next(&chance) % SPINS);
    pid_t child = fork();
    int status;

    if (child == 0)
      start_and_fork(make_child, spins);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
  }
}

static void by_each_entry(pid_t (*make_child)(void))
{
  static const uint32_t entries[] = {0, SIGHOOK_FORCE_TRAP};

  for (unsigned i = 0; i < sizeof entries / sizeof *entries; i++) {
    entry = entries[i];
    many_times(make_child);
  }
}

static void children_of_fork_hook(void **state)
{
  (void)state;
  by_each_entry(fork);
}

/* No handler of pthread_atfork runs. */
static void children_that_nobody_announced_hook(void **state)
{
  (void)state;
  by_each_entry(_Fork);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(children_of_fork_hook),
      cmocka_unit_test(children_that_nobody_announced_hook),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
