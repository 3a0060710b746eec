/* Code that may be entered at each of its instructions in any state, and what comes of that. */
#ifndef TESTS_EVICT_BLOCKS_H
#define TESTS_EVICT_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "registers.h"

enum { SITES_MAX = 64, STATES = 4 };

/* A case is a start and a state: case i enters at site i / STATES. */
struct block {
  const char *name;
  uintptr_t start, end;
  unsigned count, cases;
  uintptr_t sites[SITES_MAX];         /* where instructions begin */
  uint8_t *pristine;
  struct image *results;              /* of each case */
  unsigned (*arrivals)[SITES_MAX];    /* of each case, at each site */
};
extern struct block *const blocks;
extern unsigned block_count;

/* Finds out, unhooked and by single steps. */
void blocks_start(void);

static inline uintptr_t block_entry(const struct block *block, unsigned number)
{
  return block->sites[number / STATES];
}

/* The state of the case. */
void block_set_up(const struct block *block, unsigned number, struct image *image);

/* Whether it comes out as it should; where not, and `tell`, says how. */
bool block_is_right(const struct block *block, unsigned number, const struct image *seen, bool tell);

bool block_is_pristine(const struct block *block);

/* Leaves little free memory where jumps could lead. */
void blocks_crowd(uint64_t seed);

/* Leaves none where those of lone short instructions could, unless others give way. What longer ones could reach is too much to
 * be taken. */
void blocks_take_windows(void);

#endif
