/* Functions to hook, one for each entry that this machine has. Each machine has its own table. */
#ifndef TESTS_FAULT_PLACE_H
#define TESTS_FAULT_PLACE_H

#include <stdint.h>
#include <sighook/sighook.h>
#include "system_call.h"

struct place {
  const char *name;
  long (*function)(long);
  const uint8_t *site;               /* reached once by a call */
  uint32_t flags;
  sighook_entry entry;               /* what has to stand there, where nothing is refused */
};
enum { PLACES_MAX = 16, PLACES_EARLY = 5 };
extern const struct place places[];   /* the first PLACES_EARLY of different entries */
extern const unsigned place_count;

/* Whether one of them, or a patch of several instructions, needs phases. */
enum { PLACES_PHASED = MACHINE_PHASED };

/* Makes the address space such that the entries come to be, before any hook. */
void places_crowd(void);

/* Add 1000 to their argument; what is patched into them adds 2000. */
long patched_within(long);            /* one instruction, in one store */
long patched_across(long);            /* several, as a whole */
extern const uint8_t patch_within[], patch_within_end[], patch_across[], patch_across_end[];

/* Functions for replacements. */
long replaced(long), spare(long);

#endif
