/* Code that may not be hooked whatever its bytes, since somebody compares a pc with its addresses. */
#ifndef RESOLVE_ZONES_H
#define RESOLVE_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the instruction at `address` lies in such a zone; *why says which, in words that follow "may not be hooked:".
 */
bool zone_find(uintptr_t address, size_t length, const char **why);

#endif
