/* Threads call functions while these are hooked and unhooked: every result must be right, with SIGTRAP blocked in one of the
 * threads where one store changes the sites. */
#include "race.h"

#include <unistd.h>

static void single_store_sites_are_toggled_under_threads_that_block_sigtrap(void **state)
{
  struct caller callers[CALLERS];

  (void)state;
  start(callers, 0, single_store_targets, true);
  for (unsigned i = 0; i < cycles(40000); i++)
    toggle(&targets[i % single_store_targets], 0, i % 8 == 0);
  finish(callers);
}

static void trap_entries_are_toggled_under_threads(void **state)
{
  struct caller callers[CALLERS];

  (void)state;
  start(callers, 0, all_targets, false);
  for (unsigned i = 0; i < cycles(10000); i++)
    toggle(&targets[i % all_targets], SIGHOOK_FORCE_TRAP, i % 8 == 0);
  finish(callers);
}

static void *toggle_one(void *data)
{
  for (unsigned i = 0; i < cycles(2500); i++)
    toggle(data, 0, i % 16 == 0);
  return NULL;
}

static void several_threads_install_on_sites_of_their_own(void **state)
{
  struct caller callers[CALLERS];
  pthread_t installers[8];

  (void)state;
  assert_true(all_targets <= sizeof installers / sizeof *installers);
  start(callers, 0, all_targets, false);
  for (unsigned i = 0; i < all_targets; i++)
    pthread_create(&installers[i], NULL, toggle_one, (void *)&targets[i]);
  for (unsigned i = 0; i < all_targets; i++)
    pthread_join(installers[i], NULL);
  finish(callers);
}

static void *call_once(void *data)
{
  (void)data;
  for (unsigned t = 0; t < all_targets; t++)
    if (targets[t].function(1) != 1 + targets[t].added)
      atomic_fetch_add(&wrong, 1);
  return NULL;
}

static void many_short_lived_threads_hit_a_counted_site(void **state)
{
  const unsigned threads = cycles(2000);
  sighook_info info = {.size = sizeof info};
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = SIGHOOK_COUNT, .address = (uintptr_t)targets[0].site};
  sighook_hook hook;

  (void)state;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  for (unsigned i = 0; i < threads; i++) {
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, call_once, NULL), 0);
    pthread_join(thread, NULL);
  }
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_int_equal(info.hits, threads);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_int_equal(atomic_load(&wrong), 0);
}

static atomic_bool inside, let_go;

static void stay(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  atomic_store(&inside, true);
  while (!atomic_load(&let_go))
    usleep(1000);
}

static void *call_first(void *data)
{
  targets[0].function(1);
  return data;
}

static void remove_wait_times_out_while_a_thread_is_inside(void **state)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = stay, .address = (uintptr_t)targets[0].site};
  sighook_hook hook;
  pthread_t thread;

  (void)state;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  pthread_create(&thread, NULL, call_first, NULL);
  while (!atomic_load(&inside))
    usleep(1000);
  assert_int_equal(sighook_remove_wait(hook, 50), SIGHOOK_TIMED_OUT);
  atomic_store(&let_go, true);
  pthread_join(thread, NULL);
  assert_int_equal(targets[0].function(1), 1 + targets[0].added);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(single_store_sites_are_toggled_under_threads_that_block_sigtrap),
      cmocka_unit_test(trap_entries_are_toggled_under_threads),
      cmocka_unit_test(several_threads_install_on_sites_of_their_own),
      cmocka_unit_test(many_short_lived_threads_hit_a_counted_site),
      cmocka_unit_test(remove_wait_times_out_while_a_thread_is_inside),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
