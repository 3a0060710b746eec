/* The code of a loaded library as it was before any hook, its instructions, and an address space in which jumps seldom find
 * room. */
#ifndef TESTS_EVICT_CODE_H
#define TESTS_EVICT_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "chance.h"
#include "library.h"

struct code {
  struct library library;
  uintptr_t low, high;                /* from its first section of instructions to the end of its last */
  uint8_t *pristine;                  /* what stood there */
  uint32_t *starts;                   /* where instructions begin, by the unwind table, counted from `low` */
  uint32_t count;
  uint32_t *entries;                  /* which of them begin a function: indices into `starts` */
  uint32_t entry_count;
};

/* Loads it by its name; false where there is none. */
bool code_find(struct code *code, const char *name);

static inline const uint8_t *code_original(const struct code *code, uintptr_t address)
{
  return code->pristine + (address - code->low);
}

/* The index of the first start at or behind the address. */
uint32_t code_index(const struct code *code, uintptr_t address);

/* Whether every byte is what it was; tells of the first that is not. */
bool code_is_pristine(const struct code *code);

/* Takes free memory in a jump's reach of the code, but for `left` pages of each megabyte, at places that `seed` chooses. */
void code_crowd(const struct code *code, unsigned left, uint64_t seed);

/* Lines of /proc/self/maps. */
unsigned count_mappings(void);

#endif
