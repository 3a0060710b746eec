/* A loaded library: its unwind table and its sections of instructions. */
#ifndef TESTS_SHARE_LIBRARY_H
#define TESTS_SHARE_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>
#include "resolve/eh_frame.h"

enum { LIBRARY_SECTIONS = 8 };

struct library {
  const char *name;                   /* how its file's name begins; empty: the program itself */
  struct eh_table table;              /* low, high: all its segments */
  unsigned sections;
  uintptr_t start[LIBRARY_SECTIONS], end[LIBRARY_SECTIONS];
};

/* Fills the rest of `library` by its name; false where no such library is loaded. */
bool library_find(struct library *library);

#endif
