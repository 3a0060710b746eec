#include "ours.h"

#include <stddef.h>
#include "reach.h"
#include "require.h"

enum {
  ARGUMENT = 5
};

static const struct reach *reach;
static sighook_hook hook;

static void ignore(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
}

static void install(void)
{
  sighook_spec spec = {
      .size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)reach->site, .handler = ignore};

  hook = reach_install(reach, REACH_ILLEGAL, &spec);
}

bool ours_is_possible(void)
{
  return reach_is_possible(REACH_ILLEGAL);
}

void ours_start(void)
{
  reach = &reaches[0];
  reach_crowd(REACH_ILLEGAL);
  install();
}

/* By a branch that nobody knows of, to the last boundary. */
void ours_hit(void)
{
  unsigned last = reach->count - 1;

  REQUIRE(*(const volatile uint8_t *)reach->boundaries[last] != 0xCC);
  REQUIRE(reach_enter(reach->boundaries[last], ARGUMENT, reach->words[last + 1]) == reach_expected(ARGUMENT));
}

void ours_change(void)
{
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  install();
}
