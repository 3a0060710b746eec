/* The same few hooks, installed and removed many times, by single stores wherever they fit a line and where only an aligned eight bytes
 * may be stored at once, beside a thread that runs the code under a storm of signals: every result is right, nothing is used up. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include "codemem/arena.h"
#include "codemem/landing.h"
#include "hooks.h"
#include "host/store.h"
#include "targets.h"

#ifndef CYCLES_PART
#define CYCLES_PART 1                 /* of as many the build may want a part only */
#endif
enum { CYCLES = 20000 / CYCLES_PART, CYCLES_LONG = 1000000 / CYCLES_PART, WARM = 500, MORE_MAPPINGS = 4, STORM_US = 500 };

static atomic_bool stop;
static atomic_ulong wrong, calls;

static void *call(void *unused)
{
  for (unsigned i = 0; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
    if (targets[i % target_count].function(i) != target_expected(i))
      atomic_fetch_add(&wrong, 1);
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
  }
  return unused;
}

static void on_timer(int signal_number)
{
  (void)signal_number;
}

static void start_storm(void)
{
  const struct itimerval each = {{0, STORM_US}, {0, STORM_US}};
  struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};

  REQUIRE(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &each, NULL) == 0);
}

static void cycle(unsigned number)
{
  const struct target *target = &targets[number % target_count];
  sighook_spec site = spec_of((uintptr_t)target->site, number % 3 ? 0 : SIGHOOK_COUNT);
  sighook_spec next = spec_of((uintptr_t)target->next, 0);
  sighook_hook hooks[2];
  bool both = number / target_count % 4 == 0;

  REQUIRE(sighook_install(&site, &hooks[0]) == SIGHOOK_OK);
  if (both)
    REQUIRE(sighook_install(&next, &hooks[1]) == SIGHOOK_OK);
  REQUIRE(target->function(5) == target_expected(5));
  if (both && number % 2)
    REQUIRE(remove_all(hooks, 2));
  else
    REQUIRE(sighook_remove(hooks[0]) == SIGHOOK_OK && (!both || sighook_remove(hooks[1]) == SIGHOOK_OK));
  REQUIRE(target->function(5) == target_expected(5));
  if (!both) {                        /* what gave way to the one alone is hooked alone */
    REQUIRE(sighook_install(&next, &hooks[1]) == SIGHOOK_OK);
    REQUIRE(target->function(5) == target_expected(5));
    REQUIRE(sighook_remove(hooks[1]) == SIGHOOK_OK);
  }
}

static void all_cycles(void)
{
  unsigned cycles = getenv("SIGHOOK_LONG") ? CYCLES_LONG : CYCLES, mappings;
  size_t memory, pages;
  pthread_t thread;

  targets_crowd();
  start_storm();
  REQUIRE(pthread_create(&thread, NULL, call, NULL) == 0);
  for (unsigned i = 0; i < WARM; i++)
    cycle(i);
  memory = arena_memory();
  pages = landing_page_count();
  mappings = count_mappings();
  for (unsigned i = 0; i < cycles; i++)
    cycle(i);
  atomic_store(&stop, true);
  pthread_join(thread, NULL);
  printf("%u cycles beside %lu calls; %zu bytes of stubs and sites, before %zu; %zu landing pages, before %zu; %u mappings, before %u\n", cycles, atomic_load(&calls),
         arena_memory(), memory, landing_page_count(), pages, count_mappings(), mappings);
  fflush(stdout);                     /* a REQUIRE that fails ends the child at once */
  REQUIRE(atomic_load(&wrong) == 0 && atomic_load(&calls) > cycles / 100);
  REQUIRE(arena_memory() == memory && landing_page_count() == pages);
  REQUIRE(count_mappings() <= mappings + MORE_MAPPINGS);
}

static void all_cycles_strictly(void)
{
  host_store_strict(true);
  all_cycles();
}

static void and_none_by_the_strictest_stores(void **state)
{
  (void)state;
  assert_true(in_child(all_cycles_strictly));
}

static void many_cycles_use_nothing_up(void **state)
{
  (void)state;
  assert_true(in_child(all_cycles));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(many_cycles_use_nothing_up), cmocka_unit_test(and_none_by_the_strictest_stores)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
