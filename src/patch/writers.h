/* How bytes of running code are written, and what to say where that is refused. */
#ifndef PATCH_WRITERS_H
#define PATCH_WRITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "patch/patch.h"

struct writers {
  struct os_maps *maps;
  struct os_text *text;
};

/* Makes those changes that fit one store, or with `restore` takes those back that were made. A system that lets nobody write to
 * code for a moment leaves them to the three phases. */
sighook_status writers_store(struct os_maps *maps, struct change *changes, size_t count, bool restore, size_t *failed_at,
                             struct error *error);

/* Writes byte by byte, by whichever writer works. 0 or errno, of mprotect, which is tried last. */
int writers_write(const struct writers *writers, uintptr_t address, const uint8_t *bytes, size_t length);

/* Fills `error`: somebody else has changed what is to be changed. */
sighook_status writers_conflict(const struct change *change, struct error *error);

/* Fills `error`: less than was wanted could be read. */
sighook_status writers_unreadable(const struct os_text *text, uintptr_t address, struct error *error);

#endif
