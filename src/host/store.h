/* The stores that this machine's instruction fetch never sees torn. */
#ifndef HOST_STORE_H
#define HOST_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether `length` bytes at `address` can be changed by one such store, or by one for each instruction where instructions begin
 * at the same places whatever they are. */
bool host_store_fits(uintptr_t address, size_t length);

/* Stores `after` so if `before` stands there; false, with nothing changed, if not. */
bool host_store(uintptr_t address, const uint8_t *before, const uint8_t *after, size_t length);

/* Only stores that the makers document as never torn (x86-64: inside an aligned 8 bytes) from now on. */
void host_store_strict(bool strict);

#endif
