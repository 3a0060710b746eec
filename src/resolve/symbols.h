/* Names to addresses, by the symbols that loaded modules export. Needs no lock, and should be called without the
 * library's: the dynamic loader takes its own. */
#ifndef RESOLVE_SYMBOLS_H
#define RESOLVE_SYMBOLS_H

#include <stdint.h>
#include "error.h"

/* NAME, MODULE!NAME, NAME@MODULE, NAME@VERSION, each with +OFFSET; MODULE+OFFSET (from its load address, as
 * disassemblers count); 0xADDRESS. A module is called by its path, its file name, or that without what follows ".so" or
 * the version. */
sighook_status symbols_resolve(const char *name, uintptr_t *address, struct error *error);

#endif
