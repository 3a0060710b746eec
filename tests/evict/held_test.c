/* A thread is held, as by a debugger, after each single step of its way through a hooked function, while another thread of its
 * process installs or removes; then it goes on, and must come to the right result. So no place where a thread can stand, in the
 * program's code, on an island or in a stub, may become another instruction's middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "holding.h"
#include "targets.h"

enum { STEPS_MAX = 400, EACH = 40, STRIDE = 9 };             /* each of the first steps, then some */

enum command { NOTHING, INSTALL, REMOVE, INSTALL_NEXT, REMOVE_BOTH };

/* ---- in the child ---- */

static long call(void)
{
  return targets[shared->target].function(HOLDING_ARGUMENT);
}

static sighook_status obey(int command)
{
  static sighook_hook site, next;
  const struct target *target = &targets[shared->target];
  sighook_status status = SIGHOOK_OK;

  if (command == INSTALL) {
    status = holding_install(target->site, &site);
  } else if (command == INSTALL_NEXT) {
    status = holding_install(target->next, &next);
  } else if (command == REMOVE) {
    status = sighook_remove(site);
  } else if (command == REMOVE_BOTH) {
    status = holding_remove_both(site, next);
  }
  return status;
}

static const struct holding holding = {.prepare = targets_crowd, .obey = obey, .call = call};

/* ---- the tests ---- */

static int start(void **state)
{
  (void)state;
  holding_start(&holding);
  return 0;
}

static int end(void **state)
{
  (void)state;
  holding_end();
  return 0;
}

/* Holds the worker after each step in turn, meanwhile `during`; before the call `before`, afterwards `after`. */
static void hold_everywhere(const char *what, enum command before, enum command during, enum command after)
{
  const struct target *target = &targets[shared->target];
  bool inside = true;

  for (unsigned steps = 0; inside && steps < STEPS_MAX; steps += steps < EACH ? 1 : STRIDE) {
    if (before)
      holding_command(before);
    inside = holding_call((uintptr_t)target->function, steps);
    holding_command(during);
    holding_finish_right(target->name, what, target_expected(HOLDING_ARGUMENT));
    if (after)
      holding_command(after);
  }
  assert_false(inside);
}

static void held_while_the_hook_comes(void **state)
{
  (void)state;
  for (shared->target = 0; shared->target < target_count; shared->target++)
    hold_everywhere("the installation", NOTHING, INSTALL, REMOVE);
}

static void held_while_the_hook_goes(void **state)
{
  (void)state;
  for (shared->target = 0; shared->target < target_count; shared->target++)
    hold_everywhere("the removal", INSTALL, REMOVE, NOTHING);
}

static void held_while_a_hook_joins_and_both_go(void **state)
{
  (void)state;
  for (shared->target = 0; shared->target < target_count; shared->target++) {
    hold_everywhere("an installation on the evicted", INSTALL, INSTALL_NEXT, REMOVE_BOTH);
    holding_command(INSTALL);
    hold_everywhere("the removal of both", INSTALL_NEXT, REMOVE_BOTH, INSTALL);
    holding_command(REMOVE);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(held_while_the_hook_comes, start, end),
      cmocka_unit_test_setup_teardown(held_while_the_hook_goes, start, end),
      cmocka_unit_test_setup_teardown(held_while_a_hook_joins_and_both_go, start, end),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
