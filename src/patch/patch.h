/* The live patching protocol: changes code that other threads may be running, without stopping or signalling any.
 *
 * A change whose bytes lie in one line that the machine stores as one is made by one store: no other state is ever seen.
 * Every other change takes three phases, with all threads synchronised after each: a trap at every instruction start in the
 * range; then the bytes that are no start; then the starts. Arrivals meanwhile trap, and the site table says where they go.
 * While patching, raw system calls and own loops only: libc itself may be half patched. */
#ifndef PATCH_PATCH_H
#define PATCH_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"
#include "os/maps.h"
#include "os/text.h"

struct change {
  uintptr_t address;          /* an instruction start */
  size_t length;
  const uint8_t *before;      /* what stands there; else SIGHOOK_CONFLICT */
  const uint8_t *after;
  uint16_t round;             /* made, and seen everywhere, after those of lower ones */
  const uint8_t *starts;      /* for each byte: not 0 where an instruction starts there before or after; above 1 it is what traps
                                 there meanwhile, in place of a breakpoint. NULL: one starts at the first only */
  bool stored_once;           /* out: no trap ever stood there */
  bool done;                  /* out */
};

/* Sorts by round, then by address, as patch_apply wants those of one round. */
void patch_sort(struct change *changes, size_t count);

/* Whether the change would be made by one store where the code can be made writable. */
bool patch_is_single_store(const struct change *change);

/* Whether an instruction starts at that offset, before or after. */
bool patch_is_start(const struct change *change, size_t offset);

/* Makes all changes or none; they are sorted by address and do not overlap. Three-phase changes need a trap handler and the
 * table to be ready. `failed_at`, where not NULL, tells the index of the change at fault. */
sighook_status patch_apply(struct os_maps *maps, struct os_text *text, struct change *changes, size_t count, size_t *failed_at, struct error *error);

/* Undoes what patch_apply did, and swaps what stands before and after. */
void patch_undo(struct os_maps *maps, struct os_text *text, struct change *changes, size_t count);

/* Makes changes round by round, given in any order; what earlier rounds did is undone where a later one fails. */
sighook_status patch_in_rounds(struct os_maps *maps, struct os_text *text, struct change *changes, size_t count, size_t *failed_at,
                               struct error *error);

#endif
