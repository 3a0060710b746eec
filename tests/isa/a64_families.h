/* Every family of A64 that refers to the pc or goes elsewhere, with one of its fields run through all values and the
 * rest left to chance. */
#ifndef TESTS_ISA_A64_FAMILIES_H
#define TESTS_ISA_A64_FAMILIES_H

#include <stddef.h>
#include <stdint.h>

enum {
  A64_FAMILY_WORDS_MAX = 2048
};

/* Returns how many words there are. */
size_t a64_families(uint32_t words[A64_FAMILY_WORDS_MAX], uint64_t *random);

#endif
