/* The same few hooks, installed and removed many times: nothing is used up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codemem/arena.h"
#include "codemem/landing.h"
#include "hooks.h"
#include "targets.h"

enum { CYCLES = 20000, CYCLES_LONG = 1000000, WARM = 500, MORE_MAPPINGS = 4 };

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
}

static void all_cycles(void)
{
  unsigned cycles = getenv("SIGHOOK_LONG") ? CYCLES_LONG : CYCLES, mappings;
  size_t memory, pages;

  targets_crowd();
  for (unsigned i = 0; i < WARM; i++)
    cycle(i);
  memory = arena_memory();
  pages = landing_page_count();
  mappings = count_mappings();
  for (unsigned i = 0; i < cycles; i++)
    cycle(i);
  printf("%zu bytes of stubs and sites, before %zu; %zu landing pages, before %zu; %u mappings, before %u\n", arena_memory(),
         memory, landing_page_count(), pages, count_mappings(), mappings);
  REQUIRE(arena_memory() == memory && landing_page_count() == pages);
  REQUIRE(count_mappings() <= mappings + MORE_MAPPINGS);
}

static void many_cycles_use_nothing_up(void **state)
{
  (void)state;
  assert_true(in_child(all_cycles));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(many_cycles_use_nothing_up)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
