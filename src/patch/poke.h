/* Writing to code memory that no thread runs yet. */
#ifndef PATCH_POKE_H
#define PATCH_POKE_H

#include <stddef.h>
#include <stdint.h>

struct os_text;

/* Writes to our own r-x memory, through `text` or a moment's rwx. 0 or errno. */
int poke_idle(struct os_text *text, uintptr_t address, const uint8_t *bytes, size_t length);

/* Changes our own r-x memory that threads may run, by one store, which has to fit. 0 or errno: nothing was changed. */
int poke_live(uintptr_t address, const uint8_t *bytes, size_t length);

#endif
