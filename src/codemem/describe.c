#include "codemem/describe.h"

#include "core/heap.h"
#include "host/host.h"
#include "os/describe.h"

/* libgcc before version 13 goes through what it was told of one by one. A thread stands on an island for one jump only. */
enum { ISLAND_PAGES_MAX = 256, ISLAND_RULES = 128 };

void describe_stubs(const struct rules_area *area)
{
  struct {
    struct os_unwinder_room room;
    uint8_t rules[RULES_MAX];
  } *unwinder = heap_take(sizeof *unwinder);
  struct os_debugger_room *debugger = heap_take(sizeof *debugger);
  uint8_t rules[RULES_MAX];

  if (unwinder) {
    rules_build(area, HOST_SIGNAL_PC_COLUMN, unwinder->rules);
    os_tell_unwinder(unwinder->rules, area->code, &unwinder->room);
  }
  if (debugger)
    os_tell_debugger(rules, rules_build(area, HOST_PC_COLUMN, rules), area->code, area->size, "sighook_stubs", debugger);
}

void describe_islands(uintptr_t page, size_t size)
{
  static unsigned told;
  uint8_t *rules = told < ISLAND_PAGES_MAX && host_island_rule_length ? heap_take(ISLAND_RULES) : NULL;

  if (!rules)
    return;
  told++;
  rules_build_islands(page, size, rules, ISLAND_RULES);
  os_tell_unwinder(rules, page, NULL);
}
