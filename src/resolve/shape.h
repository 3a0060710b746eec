/* What the code map asks of the instruction set that the core does not: code known by its bytes, and quick looks at
 * bytes that spare decoding. Pure. One folder an architecture implements it. */
#ifndef RESOLVE_SHAPE_H
#define RESOLVE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a branch may lead past the first byte of the instruction, as libraries skip `lock` at run time. */
bool shape_has_skippable_prefix(const uint8_t *code, size_t length);

/* Whether some bytes of code[0, size), which stands at `pc`, could be a direct branch into [low, high). May say yes for
 * bytes that are none; never no for a branch. */
bool shape_may_branch_into(const uint8_t *code, size_t size, uintptr_t pc, uintptr_t low, uintptr_t high);

/* The length of the instruction at code[0] if it is one of those that fill the room between functions, else 0. */
size_t shape_padding(const uint8_t *code, size_t size);

/* The next cancellable system call of a C library in code[0, size): where it begins and ends. */
bool shape_find_cancellation(const uint8_t *code, size_t size, size_t *start, size_t *end);

#endif
