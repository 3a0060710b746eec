/* The sites that `sighook list --entry` is about: starts of functions, or all their instructions. */
#ifndef AGENT_SITES_H
#define AGENT_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "listing.h"

/* The code of one function. */
struct code_range {
  uintptr_t start, end;                /* no start: left out */
};

struct sites {
  struct listing *listing;
  struct code_range *ranges;           /* function by function */
  size_t size;                         /* of the memory */
};

/* False where there is no memory. */
bool sites_find(struct sites *sites, struct listing *listing);
void sites_free(struct sites *sites);

/* How many there are to be asked about. */
uint64_t sites_count(const struct sites *sites);

/* Visits them in order of the functions; of more than `listing->random`, where that is not zero, so many by chance. */
void sites_each(const struct sites *sites, void (*visit)(void *data, uint32_t function, uintptr_t address), void *data);

#endif
