/* What the searches for jumps ask of the address space. */
#ifndef ISA_X86_64_SPACE_H
#define ISA_X86_64_SPACE_H

#include <stdbool.h>
#include <stdint.h>
#include "isa/x86_64/pun.h"

enum { X64_LEANED_MAX = 4 };

/* Whose island is asked for. */
enum x64_lander { X64_SITE, X64_VICTIM };

/* A window, and how far from a place in it the jump would land where another instruction that it leans on reads as a breakpoint. */
struct x64_wish {
  struct x64_window window;
  intptr_t offsets[X64_LEANED_MAX];
  unsigned offset_count;
};

/* Where islands may lie. */
struct x64_space {
  /* A place for an island in the window; *complete: the places at the offsets are free as well. */
  bool (*find)(void *context, enum x64_lander lander, const struct x64_wish *wish, uint64_t *place, bool *complete);
  void *context;
};

/* The i-th of the numbers of that many bits, at most 32, each once, spread evenly: the order in which searches try them. */
static inline uint32_t x64_spread(uint32_t i, unsigned bits)
{
  const uint32_t odd = UINT32_C(0x9E3779B1);

  return bits ? (i * (odd >> (32 - bits) | 1)) & (UINT32_MAX >> (32 - bits)) : 0;
}

#endif
