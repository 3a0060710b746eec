/* The vectors of tests/vectors/x86_64_relocate.txt; vectors.py describes the format. */
#ifndef TESTS_ISA_VECTORS_H
#define TESTS_ISA_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VECTORS_MAX = 512, VECTOR_BYTES = 80, NO_EXIT = 0xFF };

struct code_text {
  uint8_t bytes[VECTOR_BYTES];
  unsigned length;
  unsigned exit_offset;      /* where `^` stands; NO_EXIT where it does not */
};

struct vector {
  char name[80];
  struct code_text original, displaced;
  uint64_t at, to;
  char refusal[32];          /* empty: displaced as told */
};

/* The number of vectors; 0 after a message where the file cannot be read or understood. */
size_t vectors_read(const char *path, struct vector vectors[VECTORS_MAX]);

#endif
