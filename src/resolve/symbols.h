/* Names to addresses, by the dynamic symbols of what is loaded. */
#ifndef RESOLVE_SYMBOLS_H
#define RESOLVE_SYMBOLS_H

#include <stdint.h>
#include "error.h"

sighook_status symbols_resolve(const char *name, uintptr_t *address, struct error *error);

#endif
