/* Patches by the caller, and reading code with our own changes undone. */
#ifndef CORE_PATCHED_H
#define CORE_PATCHED_H

#include <stddef.h>
#include <stdint.h>
#include "core/site.h"
#include "error.h"

struct patch {
  size_t length;
  uint8_t *original;      /* length bytes each */
  uint8_t *bytes;
  uint8_t *starts;        /* whether an instruction starts there, before or after */
};

/* Puts back, in a copy of [address, address + length), what stood there before us. */
void patched_undo(uintptr_t address, uint8_t *bytes, size_t length);

/* Writes the caller's bytes; `original`, where not NULL, receives what stood there. */
sighook_status patched_write(uintptr_t address, const uint8_t *bytes, size_t length, uint8_t *original, struct error *error);

/* Restores what a patch replaced. */
sighook_status patched_restore(struct site *site, struct error *error);

#endif
