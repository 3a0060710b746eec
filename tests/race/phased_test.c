/* Threads call functions while these are hooked and unhooked at sites that no single store can change, so that the change takes
 * three phases: every result must be right. */
#include "race.h"

static void three_phase_sites_are_toggled_under_threads(void **state)
{
  struct caller callers[CALLERS];

  (void)state;
  start(callers, single_store_targets, all_targets, false);
  for (unsigned i = 0; i < cycles(40000); i++)
    toggle(&targets[single_store_targets + i % (all_targets - single_store_targets)], 0, i % 8 == 0);
  finish(callers);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(three_phase_sites_are_toggled_under_threads)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
