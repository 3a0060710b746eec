/* Landing pages: the pages that hold islands, the short jumps on which punned entries land. Each lies where a displacement
 * happened to point. Private memory, never given back. Guarded by the library's lock. */
#ifndef CODEMEM_LANDING_H
#define CODEMEM_LANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "os/maps.h"
#include "os/text.h"

enum { LANDING_OFFSETS_MAX = 4 };

struct landing_request {
  uintptr_t first, last;                        /* the window: where the island may begin */
  uintptr_t target;                             /* where the islands lead; one that does already will do */
  intptr_t offsets[LANDING_OFFSETS_MAX];        /* islands wanted as well, this far from it */
  unsigned offset_count;
};

/* A place for an island in the window, with room for those wanted as well where that is possible (*complete). False where
 * the window has no room. */
bool landing_find(struct os_maps *maps, const struct landing_request *request, uintptr_t *place, bool *complete);

/* Puts an island at a place found, unless it is there already. 0 or errno; EEXIST: something was mapped there meanwhile. */
int landing_put(struct os_text *text, uintptr_t place, uintptr_t target);

/* Pages that are needed beyond so many are not made. */
void landing_set_limit(size_t pages_max);
/* Whether that many are there. */
bool landing_is_full(void);

/* Visits all islands: for the books, and to find whose island holds a pc. */
size_t landing_page_count(void);
/* The island that covers `pc`: its start, or 0. */
uintptr_t landing_at(uintptr_t pc);

/* Where the island at `pc` leads, where there is one; else `pc`. [anywhere] */
uintptr_t landing_target(uintptr_t pc);

void landing_abandon(void);

#endif
