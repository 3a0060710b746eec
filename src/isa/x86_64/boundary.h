/* Trapping boundaries: a jump that reaches over whole instructions, at whose first bytes it reads as one that traps. Whoever comes
 * to such a boundary by a branch pays a trap, and goes on at the instruction's displaced copy. Pure but for the questions to the
 * space. */
#ifndef ISA_X86_64_BOUNDARY_H
#define ISA_X86_64_BOUNDARY_H

#include <stdbool.h>
#include <stdint.h>
#include "isa/x86_64/space.h"

enum { X64_BOUNDARIES_MAX = 4 };

struct x64_reach_request {
  uint64_t address;
  const uint8_t *code;         /* what stands, or will, from the address on */
  unsigned prefixes;
  uint8_t starts[X64_BOUNDARIES_MAX];   /* offsets from the address at which instructions begin inside the jump, ascending */
  unsigned start_count;
  unsigned boundary_count;     /* so many of them, the first ones, get traps; at least one */
  const uint8_t *traps;        /* the bytes that may stand there */
  unsigned trap_count;
};

struct x64_reached {
  uint64_t place;              /* the jump that leads there has them where they have to be */
  bool complete;               /* whatever a debugger puts at a start, or puts back, the jump leads to where an island can be */
};

/* What somebody else may put at a start of that number, in the midst of jump[]. */
uint8_t x64_other_at_start(const struct x64_reach_request *request, const uint8_t *jump, unsigned start);

/* False where none was found; it may have been asked not to bother with incomplete ones. */
bool x64_reach_over(const struct x64_reach_request *request, const struct x64_space *space, bool complete_only,
                    struct x64_reached *found);

#endif
