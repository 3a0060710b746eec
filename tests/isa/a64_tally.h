/* What became of the states that were compared. */
#ifndef TESTS_ISA_A64_TALLY_H
#define TESTS_ISA_A64_TALLY_H

#include <stdbool.h>
#include <stddef.h>

#include "a64_forms.h"
#include "isa/aarch64/relocate.h"

enum { KINDS_MAX = A64_MOPS_EPILOGUE + 1, REFUSALS_MAX = A64_OWN_ADDRESS + 1 };

struct tally {
  size_t tried, compared, faulting; /* forms; faulting: those of which no state came to its end without a fault */
  size_t runs, ended, failures;     /* states; ended: at a breakpoint of ours */
  size_t kinds[KINDS_MAX];          /* states that ended, by kind */
  size_t refused[REFUSALS_MAX], left_out[A64_NOT_ALONE_MAX];
};

/* Prints the test's result, in which it passes only where enough was compared (`broad`). */
bool conclude(const char *name, bool broad, const struct tally *tally);

#endif
