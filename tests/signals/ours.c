#include "ours.h"

#include "patterns.h"
#include "require.h"

static sighook_hook hook;
static volatile long hits;

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

bool ours_is_possible(void)
{
  return true;
}

void ours_start(void)
{
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_PROBE,
                       .flags = SIGHOOK_FORCE_TRAP,
                       .address = (uintptr_t)adds_1234,
                       .handler = count};

  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
}

void ours_hit(void)
{
  hits = 0;
  REQUIRE(adds_1234(1) == 1235 && hits == 1);
}

void ours_change(void)
{
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  ours_start();
}
