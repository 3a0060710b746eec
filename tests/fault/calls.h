/* Calls of the library, and what stands since. */
#ifndef TESTS_FAULT_CALLS_H
#define TESTS_FAULT_CALLS_H

#include <stdbool.h>
#include <sighook/sighook.h>
#include "place.h"

/* At a place. */
struct place_state {
  sighook_hook hook, counter;
  bool here, enabled, counted;
  unsigned long hits;                 /* since the counter came */
  volatile unsigned long seen;        /* by the hook's handler */
};
extern struct place_state now[PLACES_MAX];

/* Patches and the replacement. */
struct code_state {
  bool within, across, replaced;
};
extern struct code_state code_now;

struct call {
  const char *name;
  sighook_status (*call)(unsigned argument);
  enum { NEEDS_NOTHING, NEEDS_PLACE, NEEDS_HOOK, NEEDS_COUNTER, NEEDS_WITHIN, NEEDS_ACROSS, NEEDS_REPLACED } needs;
  bool changes_code;
  unsigned argument;                  /* a place, or the first of them */
};
enum { CALLS_EARLY = PLACES_EARLY + 1 };
extern const struct call calls[];      /* the first CALLS_EARLY install the early hooks */
extern const unsigned call_count;

/* Whether what it undoes was done. */
bool call_is_possible(const struct call *call);

#endif
