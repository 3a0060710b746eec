/* The five plain calls: patch, instrument with and without the original, replace, and undo. */
#ifndef SIGHOOK_PATCH_H
#define SIGHOOK_PATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sighook/context.h>
#include <sighook/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `original`, where not NULL, receives the four bytes that stood there before any hook or patch of ours, first byte lowest
 * (AArch64: the instruction word). These calls own one hook an address: a second instrument there takes the first one's
 * place, as in the reference. Hooks made by sighook_install stand beside it. */
/* Patches write exactly these bytes. The range begins and ends where instructions of the old code do, and the new bytes are
 * whole instructions, else PATCH_TOO_LONG or UNDECODABLE. Inside one instruction, or with the same instruction starts, it is
 * safe with threads running; else threads that stand between the replaced instructions are the caller's matter. */
sighook_status sighook_patchcode(uintptr_t address, uint32_t opcode, uint32_t *original);
sighook_status sighook_instrument(uintptr_t address, sighook_callback, uint32_t *original);
sighook_status sighook_instrument_no_original(uintptr_t address, sighook_callback, uint32_t *original);
/* Replace a whole function by a jump, near if it reaches, else through an island: no register is clobbered. `call_original`,
 * where not NULL, receives, before the first call can reach the replacement, a pointer that still runs the old function.
 * A second replacement wraps the first: its call_original runs the first. */
sighook_status sighook_inline_hook(uintptr_t function, const void *replacement, void **call_original, uint32_t *original);
sighook_status sighook_original_opcode(uintptr_t address, uint32_t *opcode);   /* after any of the above; NOT_FOUND else */
sighook_status sighook_unhook(uintptr_t address);                              /* undoes whatever of ours is there */
sighook_status sighook_patch_bytes(uintptr_t address, const void *bytes, size_t length, void *original);

#ifdef __cplusplus
}
#endif

#endif
