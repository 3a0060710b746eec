/* Which instructions of libraries are hooked: those of the functions that a stepped run came to. */
#ifndef TESTS_TRUTH_PLACES_H
#define TESTS_TRUTH_PLACES_H

#include <stdbool.h>
#include <stdint.h>
#include <sighook/sighook.h>
#include "library.h"

enum { PLACES_MAX = 1 << 18 };

struct place {
  uintptr_t address;
  unsigned arrivals;                  /* of the run that was stepped through */
  unsigned handled, counted;          /* of the run that was hooked: by its handler, by its counter */
  enum { UNHOOKED, HOOKED, REFUSED, REMOVED } state;
  const struct flavour *flavour;      /* of its hook */
  sighook_hook hook;
};

extern struct place *places;          /* by address within a library; shared with children */
extern unsigned place_count;

/* Takes note of the libraries, `count` of them; false where one is not loaded. */
bool places_start(struct library *libraries, unsigned count);

/* Before the steps, at each of them, and after the last one. */
void places_forget(void);
void places_arrive(uintptr_t address);
void places_choose(void);
unsigned long places_steps(void);

/* The library that the address lies in, or NULL. */
const struct library *places_library(uintptr_t address);

/* Whether the libraries' code is what it was at the start. */
bool places_are_pristine(void);

#endif
