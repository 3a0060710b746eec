/* Arenas: memory near hooked code, one part r-x for stubs and one part rw- for the sites that the stubs reach pc-relatively.
 * Private memory: a forked child has its own copy. Nothing is ever given back. Guarded by the library's lock; only
 * arena_site_at may be called anywhere. */
#ifndef CODEMEM_ARENA_H
#define CODEMEM_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/site.h"
#include "error.h"

struct arena;
struct os_text;

/* A zeroed site in an arena inside [low, high], as near to `address` as can be; *pc is where the site's stub will run. `expected`
 * tells how many sites are to come, so that a batch gets one large arena; where little is free it is a small one. */
sighook_status arena_take(uintptr_t address, uintptr_t low, uintptr_t high, size_t expected, struct arena **arena,
                          struct site **site, uintptr_t *pc, struct error *error);

/* Whether there is such an arena, or memory for one. */
struct os_maps;
bool arena_is_possible(struct os_maps *maps, uintptr_t address, uintptr_t low, uintptr_t high);

/* The stub of the site taken last, `length` bytes to run at the pc given. They reach memory at arena_flush. */
sighook_status arena_put(struct arena *arena, struct os_text *text, const uint8_t *bytes, size_t length, struct error *error);

/* Gives the site taken last back, before arena_put. */
void arena_untake(struct arena *arena);

/* Writes all stubs put so far. */
sighook_status arena_flush(struct os_text *text, struct error *error);

/* The site whose stub holds `pc`, or NULL. [anywhere] */
struct site *arena_site_at(uintptr_t pc);

/* Bytes in use by stubs and sites. */
size_t arena_memory(void);

void arena_abandon(void);

#endif
