/* Punned jumps: `jmp rel32`, perhaps behind redundant prefixes, whose last displacement bytes are the first bytes of the
 * instructions behind the site, unchanged. Where such a jump leads is a window of 2^(8 * free) addresses. Pure. */
#ifndef ISA_X86_64_PUN_H
#define ISA_X86_64_PUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { X64_JMP_LENGTH = 5, X64_PREFIXES_MAX = 3 };

struct x64_window {
  uint64_t first;    /* lowest address that the jump can reach */
  uint64_t last;
};

/* The window of a jump at `address` in place of an instruction of `length` bytes (1 to 4), behind `prefixes` (< length) of
 * them. code[] holds the bytes from `address` on, prefixes + 5 of them at least. False where it leaves the address space. */
bool x64_pun_window(uint64_t address, unsigned length, unsigned prefixes, const uint8_t *code, struct x64_window *window);

/* The jump itself: prefixes + 5 bytes, of which those from `length` on repeat code[]. */
void x64_pun_bytes(uint64_t address, unsigned prefixes, uint64_t target, uint8_t *bytes);

/* Where the jump to `target` would lead if the byte `offset` behind the site's first read as `byte` (a breakpoint put by
 * somebody else, or our own next entry). */
uint64_t x64_pun_deflected(uint64_t address, unsigned prefixes, uint64_t target, unsigned offset, uint8_t byte);

#endif
