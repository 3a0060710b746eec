/* What must hold at every address where an instruction of the program's begins, whatever was hooked: there stands the
 * instruction, or a way to its displaced copy. Found out by decoding, as a thread that comes there would go. */
#ifndef TESTS_EVICT_INVARIANT_H
#define TESTS_EVICT_INVARIANT_H

#include "code.h"

struct tally {
  unsigned long unchanged, branches, puns, evictions, traps;
  unsigned long hookless;             /* in place for others' sake */
  unsigned long breakpoints;          /* tried where jumps lean */
  unsigned long fragile;
  unsigned long broken;
  unsigned long brittle;              /* breakpoints that would break an entry that is not said to be fragile */
};

/* Looks at every instruction of the code between two addresses; complains of the first few at which the invariant is broken. */
void invariant_check(const struct code *code, uintptr_t from, uintptr_t to, struct tally *tally);

#endif
