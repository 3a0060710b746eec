/* One look at the process for a change to come: its mappings and its code, kept no longer than the change takes. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/site.h"
#include "error.h"
#include "host/host.h"
#include "os/maps.h"
#include "os/text.h"

enum { PLAN_CACHE = 4096 };

struct plan {
  struct os_maps maps;
  struct os_text text;
  struct os_mapping mapping;        /* the one asked for last */
  uintptr_t cached;                 /* the page of code read last */
  size_t cached_length;
  uint8_t cache[PLAN_CACHE];
  size_t expected;                  /* sites to come, for sizing memory */
  const char *flow_check;           /* as os_flow_check says it, of the thread that plans */
};

sighook_status plan_open(struct plan *plan, struct error *error);
void plan_close(struct plan *plan);

/* SIGHOOK_OK where code may be hooked by its mapping: mapped, executable, not shared with a file. */
sighook_status plan_check_mapping(struct plan *plan, uintptr_t address, struct error *error);

/* Whether what was written there, `ours`, went without our doing: nothing is mapped there any more; or the program's own bytes stand
 * there, as they did before or as the file has them that is mapped there by now. Then there is nothing to take back. */
bool plan_is_gone(struct plan *plan, uintptr_t address, const uint8_t *ours, const uint8_t *original, size_t length);

/* What stands at `address`; the count that could be read. Never faults. */
size_t plan_read(struct plan *plan, uintptr_t address, uint8_t *bytes, size_t size);

/* The same with our own entries and patches undone. */
size_t plan_read_original(struct plan *plan, uintptr_t address, uint8_t *bytes, size_t size);

/* Whether the breakpoint that stands at `address`, not one of ours, is somebody else's, which will go again: the file that is
 * mapped there has something else in its place, which own[] gets. */
bool plan_breakpoint_hides(struct plan *plan, uintptr_t address, uint8_t own[HOST_TRAP_LENGTH]);

/* SIGHOOK_CONFLICT where such a one stands at `address`, at which code[] was read. */
sighook_status plan_check_breakpoint(struct plan *plan, uintptr_t address, const uint8_t *code, struct error *error);

/* plan_read, plan_read_original and plan_breakpoint_hides of the plan under way. */
size_t plan_read_current_as_is(uintptr_t address, void *bytes, size_t size);
size_t plan_read_current(uintptr_t address, void *bytes, size_t size);
bool plan_current_breakpoint_hides(uintptr_t address, uint8_t own[HOST_TRAP_LENGTH]);

#endif
