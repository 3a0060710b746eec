/* Children of every kind: they run hooked, hold no lock, wait for nobody who is not there, and what one process changes no
 * other one sees. */
#define _GNU_SOURCE
#include "forks.h"

#include <pthread.h>
#include <spawn.h>

extern char **environ;

/* ---- counters and changes of one process are no other's ---- */

static void change_in_turn(void)
{
  for (enum way way = BY_FORK; way < WAYS; way++) {
    sighook_hook counting = must_install(spec_for(touches_nothing, NULL, SIGHOOK_COUNT));
    sighook_hook trapping = must_install(spec_for(another, count, SIGHOOK_COUNT | SIGHOOK_FORCE_TRAP));
    pid_t child;

    for (unsigned i = 0; i < 10; i++)
      touches_nothing(1);
    child = make_child(way);
    for (unsigned i = 0; i < (child ? 5 : 7); i++)
      REQUIRE(touches_nothing(1) == 2 && call_another(1) == 2);
    if (child == 0) {
      REQUIRE(must_query(counting).hits == 17 && must_query(trapping).hits == 7);
      REQUIRE(sighook_remove(trapping) == SIGHOOK_OK && sighook_disable(counting) == SIGHOOK_OK);
      require_hit(call_another, 0);
      _exit(0);
    }
    require_ended_well(child);
    require_hit(call_another, 1);
    touches_nothing(1);
    REQUIRE(must_query(counting).hits == 16 && must_query(trapping).hits == 6);
    REQUIRE(sighook_remove(counting) == SIGHOOK_OK && sighook_remove(trapping) == SIGHOOK_OK);
  }
}

static void counters_and_changes_of_one_process_are_no_others(void **state)
{
  (void)state;
  assert_true(in_child(change_in_turn));
}

/* ---- callbacks under way ---- */

static atomic_bool inside, let_go;

static void stay(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  atomic_store(&inside, true);
  while (!atomic_load(&let_go))
    usleep(1000);
}

static void *hit_once(void *data)
{
  REQUIRE(touches_nothing(1) == 2);
  return data;
}

/* Those of threads that are not there any more. */
static void fork_beside_callback(void)
{
  sighook_hook hook = must_install(spec_for(touches_nothing, stay, 0));
  pthread_t thread;

  REQUIRE(pthread_create(&thread, NULL, hit_once, NULL) == 0);
  while (!atomic_load(&inside))
    ;
  for (enum way way = BY_FORK; way < WAYS; way++) {
    pid_t child = make_child(way);

    if (child == 0)
      _exit(sighook_remove_wait(hook, 10000) != SIGHOOK_OK || touches_nothing(1) != 2);
    require_ended_well(child);
  }
  REQUIRE(sighook_remove_wait(hook, 50) == SIGHOOK_TIMED_OUT);
  atomic_store(&let_go, true);
  REQUIRE(pthread_join(thread, NULL) == 0);
}

static void a_child_waits_for_no_thread_of_its_parents(void **state)
{
  (void)state;
  assert_true(in_child(fork_beside_callback));
}

/* The child's own: its record was made in the parent, where the thread had another number. */
static void *wait_in_vain(void *hook)
{
  REQUIRE(touches_nothing(1) == 2);
  REQUIRE(sighook_remove_wait(*(sighook_hook *)hook, 100) == SIGHOOK_TIMED_OUT);
  return NULL;
}

static void let_another_wait(sighook_context *context, void *hook)
{
  pthread_t thread;

  (void)context;
  REQUIRE(pthread_create(&thread, NULL, wait_in_vain, hook) == 0 && pthread_join(thread, NULL) == 0);
}

static void wait_in_child(void)
{
  for (enum way way = BY_FORK; way < WAYS; way++) {
    sighook_hook hook, counting = must_install(spec_for(touches_nothing, NULL, SIGHOOK_COUNT));
    sighook_spec spec = spec_for(another, let_another_wait, 0);
    pid_t child;

    spec.user = &hook;
    hook = must_install(spec);
    touches_nothing(1);
    child = make_child(way);
    if (child == 0) {
      REQUIRE(must_query(counting).hits == 1);
      REQUIRE(call_another(1) == 2);
      _exit(must_query(counting).hits != 2);
    }
    require_ended_well(child);
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK && sighook_remove(counting) == SIGHOOK_OK);
  }
}

static void a_childs_own_callback_is_waited_for(void **state)
{
  (void)state;
  assert_true(in_child(wait_in_child));
}

static pid_t forked_inside;

static void fork_inside(sighook_context *context, void *way)
{
  (void)context;
  forked_inside = make_child((enum way)(uintptr_t)way);
}

static void fork_in_callback(void)
{
  for (uintptr_t i = 0; i < 2 * WAYS; i++) {
    sighook_spec spec = spec_for(touches_nothing, fork_inside, i % 2 ? SIGHOOK_FORCE_TRAP : 0);
    sighook_hook hook;

    spec.user = (void *)(i / 2);
    hook = must_install(spec);
    REQUIRE(touches_nothing(1) == 2);
    REQUIRE(sighook_remove_wait(hook, 10000) == SIGHOOK_OK && touches_nothing(1) == 2);
    if (forked_inside == 0)
      _exit(0);
    require_ended_well(forked_inside);
  }
}

static void a_callback_may_fork(void **state)
{
  (void)state;
  assert_true(in_child(fork_in_callback));
}

/* ---- exec ---- */

static char program[] = "true", *arguments[] = {program, NULL};

static pid_t execute(unsigned number)
{
  pid_t child;

  if (number % 3 == 0) {
    REQUIRE(posix_spawnp(&child, program, NULL, NULL, arguments, environ) == 0);
    return child;
  }
  child = number % 3 == 1 ? vfork() : make_child((enum way)(number / 3));
  if (child == 0) {
    touches_nothing(1);
    execvp(program, arguments);
    _exit(1);
  }
  return child;
}

static void run_programs(void)
{

  must_install(spec_for(touches_nothing, count, SIGHOOK_FORCE_TRAP));
  for (unsigned i = 0; i < 3 * WAYS; i++) {
    require_ended_well(execute(i));
    require_hit(touches_nothing, 1);
  }
}

static void programs_are_executed(void **state)
{
  (void)state;
  assert_true(in_child(run_programs));
}

/* ---- handlers of fork that are called while the library holds its lock ---- */

static sighook_hook toggled_by_handlers;
static unsigned handled;

static void toggle_in_handler(void)
{
  toggled_by_handlers = must_install(spec_for(another, count, 0));
  REQUIRE(sighook_remove(toggled_by_handlers) == SIGHOOK_OK);
  handled++;
}

static void hook_in_handlers(void)
{
  pid_t child;

  REQUIRE(pthread_atfork(toggle_in_handler, toggle_in_handler, toggle_in_handler) == 0);
  must_install(spec_for(touches_nothing, count, 0));  /* only now the library's own handlers come */
  alarm(STUCK_S);
  for (unsigned i = 0; i < 20; i++) {
    child = make_child(BY_FORK);
    REQUIRE(handled == 2 * (i + 1));
    require_hit(touches_nothing, 1);
    toggle_in_handler();
    handled--;
    if (child == 0)
      _exit(0);
    require_ended_well(child);
  }
}

static void handlers_of_fork_may_install_hooks(void **state)
{
  (void)state;
  assert_true(in_child(hook_in_handlers));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(handlers_of_fork_may_install_hooks),          /* in a process that has not hooked yet */
      cmocka_unit_test(counters_and_changes_of_one_process_are_no_others),
      cmocka_unit_test(a_child_waits_for_no_thread_of_its_parents),
      cmocka_unit_test(a_childs_own_callback_is_waited_for),
      cmocka_unit_test(a_callback_may_fork),
      cmocka_unit_test(programs_are_executed),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
