// An exception out of a callback behaves as if the hooked call had thrown, and leaves the site fit for the next hit.
#include <cstdio>
#include <sighook/sighook.h>
#include "patterns.h"

static long hits;

static void throw_it(sighook_context *, void *)
{
  hits++;
  throw 42;
}

static bool thrown_and_caught(uint32_t flags)
{
  sighook_spec spec = {};
  sighook_hook hook;
  int caught = 0;

  spec.size = sizeof spec;
  spec.kind = SIGHOOK_PROBE;
  spec.flags = flags;
  spec.address = (uintptr_t)adds_1234;
  spec.handler = throw_it;
  if (sighook_install(&spec, &hook) != SIGHOOK_OK)
    return false;
  hits = 0;
  for (int i = 0; i < 100; i++)
    try {
      adds_1234(1);
    } catch (int value) {
      caught += value == 42;
    }
  return sighook_remove_wait(hook, 1000) == SIGHOOK_OK && caught == 100 && hits == 100 && adds_1234(1) == 1235;
}

int main()
{
  bool branch = thrown_and_caught(0), trap = thrown_and_caught(SIGHOOK_FORCE_TRAP);

  std::printf("%s - an exception leaves a callback through a branch entry, 100 times\n", branch ? "ok" : "not ok");
  std::printf("%s - an exception leaves a callback through a trap entry, 100 times\n", trap ? "ok" : "not ok");
  return !(branch && trap);
}
