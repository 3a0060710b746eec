/* Entries that make another instruction give way. */
#ifndef HOST_X86_64_EVICT_H
#define HOST_X86_64_EVICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/entry.h"
#include "isa/x86_64/space.h"

/* Gives the site, whose instruction no jump and no pun fits, such an entry if there is one; else its reason tells why not. */
void evict(const struct entry_request *request);

/* Takes the entry of before again, with the one that gave way, where both still fit. */
bool evict_keeps(const struct entry_request *request);

/* The jump that an idle site had still leads to its island, if code[] is what stands from the site on. */
bool evict_still_fits(const struct site *site, const uint8_t *code, size_t readable);

/* Whether somebody's breakpoint stands where an instruction begins between those offsets from the site: it will go again, and what leant
 * on it would lead elsewhere. Padding is full of such bytes of its own. */
bool evict_meets_breakpoint(const struct entry_request *request, size_t from, size_t to);

/* Who looks for islands. */
struct evict_seeker {
  const struct entry_request *request;
  uintptr_t victim_gate;               /* where the victim's island leads, if one is looked for */
};

/* Where islands may lie, as the searches ask; `context` is the evict_seeker. */
bool evict_find_place(void *context, enum x64_lander lander, const struct x64_wish *wish, uint64_t *place, bool *complete);

/* Where the instruction behind the one at that offset from the site begins; the next byte, where none can be told. */
size_t evict_next_start(const struct entry_request *request, size_t at);

/* An island for the site, unless it is there already. */
bool evict_put_island(const struct entry_request *request, uintptr_t place, const struct site *site);

#endif
