/* Unwind rules for an arena's stubs, in the form of .eh_frame (DWARF 5, 6.4; LSB, 10.6.1): one frame description for all of them, since
 * one a stub would cost more than the stub. Its rules are expressions that find the site of the pc among the arena's, and then read
 * the stub's shape: the caller of a stub is the program at the pc that it stands for, with the program's sp. */
#ifndef CODEMEM_RULES_H
#define CODEMEM_RULES_H

#include <stddef.h>
#include <stdint.h>

struct site;

enum { RULES_MAX = 512 };

struct rules_area {
  uintptr_t code;
  size_t size;
  const struct site *sites;           /* sorted by stub */
  const void *site_count;             /* a size_t */
};

/* `pc_column` is where the unwinder that reads the rules has the pc of a frame that a signal interrupted. Returns the length, the
 * terminator included. */
size_t rules_build(const struct rules_area *area, unsigned pc_column, uint8_t bytes[RULES_MAX]);

/* Of a page of islands, for the unwinder: the caller of an island is where it leads, a stub's first instruction, with the same sp. */
size_t rules_build_islands(uintptr_t page, size_t size, uint8_t *bytes, size_t room);

#endif
