/* Eviction: where no pun fits, the instruction behind the site, the victim, is replaced too, by a jump to its own displaced copy so
 * chosen that its bytes, which the site's pun leans on, make that pun lead to free memory (tactic T2 of Duck, Gao and Roychoudhury,
 * "Binary Rewriting without Control Flow Recovery", PLDI 2020). Pure but for the questions to the space. */
#ifndef ISA_X86_64_EVICT_H
#define ISA_X86_64_EVICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "isa/x86_64/space.h"

struct x64_eviction_request {
  uint64_t address;
  const uint8_t *code;       /* what stands, or will, from the address on */
  const uint8_t *original;   /* the program's own bytes there, by which instructions begin */
  size_t readable;
  unsigned length, victim_length;
  unsigned span_max;         /* bytes from the address on that may be leaned on */
  unsigned prefixes_max, victim_prefixes_max;
};

struct x64_eviction {
  unsigned prefixes, victim_prefixes;
  uint64_t place, victim_place;
  bool complete;             /* breakpoints on what the two jumps lean on would be survived */
};

/* False where none was found; it may have been asked not to bother with incomplete ones. */
bool x64_evict(const struct x64_eviction_request *request, const struct x64_space *space, bool complete_only,
               struct x64_eviction *found);

#endif
