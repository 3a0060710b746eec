/* Children of every kind, and theirs, made by the thousand while other threads hit, install and remove. */
#define _GNU_SOURCE
#include "forks.h"

#include <pthread.h>
#include <string.h>

enum { FORKS = 300 / CYCLES_PART, FORKS_LONG = 20000 / CYCLES_PART };

static __attribute__((noinline)) long toggled(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

static long (*volatile call_toggled)(long) = toggled;

static atomic_bool stop;

static void *hit_all_the_time(void *data)
{
  while (!atomic_load_explicit(&stop, memory_order_relaxed))
    REQUIRE(touches_nothing(1) == 2 && call_toggled(2) == 3);
  return data;
}

static void *toggle_all_the_time(void *data)
{
  for (unsigned i = 0; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
    static const uint32_t flags[] = {0, SIGHOOK_FORCE_TRAP, SIGHOOK_COUNT, SIGHOOK_INTEGER_ONLY};
    sighook_hook hook = must_install(spec_for(toggled, count, flags[i % 4]));

    if (i % 16)
      REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
    else
      REQUIRE(sighook_remove_wait(hook, 20000) == SIGHOOK_OK);
  }
  return data;
}

/* What a child does, and its child. */
static void live(sighook_hook inherited, unsigned generations, enum way way)
{
  sighook_hook own;

  require_hit(touches_nothing, 1);
  REQUIRE(call_toggled(5) == 6);      /* hooked or not */
  own = must_install(spec_for(another, count, generations % 2 ? SIGHOOK_FORCE_TRAP : SIGHOOK_COUNT));
  require_hit(call_another, 1);
  if (generations) {
    pid_t child = make_child(way);

    if (child == 0) {
      require_hit(call_another, 1);
      REQUIRE(sighook_remove(own) == SIGHOOK_OK);
      require_hit(call_another, 0);
      live(inherited, generations - 1, way);
      _exit(0);
    }
    require_ended_well(child);
    require_hit(call_another, 1);
  }
  REQUIRE(sighook_remove_wait(own, 20000) == SIGHOOK_OK && sighook_remove(inherited) == SIGHOOK_OK);
  require_hit(call_another, 0);
  require_hit(touches_nothing, 0);
}

static void fork_under_load(void)
{
  unsigned forks = getenv("SIGHOOK_LONG") ? FORKS_LONG : FORKS;
  uint8_t bytes[16];
  pthread_t threads[4];
  sighook_hook hook;

  memcpy(bytes, (const void *)(uintptr_t)another, sizeof bytes);
  hook = must_install(spec_for(touches_nothing, count, 0));
  for (unsigned i = 0; i < 4; i++)
    REQUIRE(pthread_create(&threads[i], NULL, i < 2 ? hit_all_the_time : toggle_all_the_time, NULL) == 0);
  for (unsigned i = 0; i < forks; i++) {
    enum way way = (enum way)(i % WAYS);
    pid_t child = make_child(way);

    if (child == 0) {
      live(hook, i / WAYS % 8 == 0 ? 2 : 0, way);
      _exit(0);
    }
    require_ended_well(child);
    REQUIRE(memcmp(bytes, (const void *)(uintptr_t)another, sizeof bytes) == 0);
  }
  atomic_store(&stop, true);
  for (unsigned i = 0; i < 4; i++)
    REQUIRE(pthread_join(threads[i], NULL) == 0);
  require_hit(touches_nothing, 1);
}

static void children_of_a_busy_process_run_hooked_and_change_their_own_hooks(void **state)
{
  (void)state;
  assert_true(in_child(fork_under_load));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(children_of_a_busy_process_run_hooked_and_change_their_own_hooks)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
