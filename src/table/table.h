/* The site table: address -> what is known of it. Open addressing, at most half full. Readers take no lock and may be signal
 * handlers; writers hold the library's lock. Entries are never removed: late traps must find them. */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct site;

/* A breakpoint instruction of the program's own, displaced into a stub: its trap is the program's. And a page that holds islands only,
 * which is no site's. */
enum { TABLE_DISPLACED_TRAP = 1, TABLE_LANDING_PAGE = 2, TABLE_TAG = 3 };

struct table_value {
  struct site *site;       /* NULL: nothing known */
  unsigned tag;
};

/* [anywhere] */
struct table_value table_find(uintptr_t address);

/* False where memory is refused. `table_reserve` makes room for `more` entries, so that as many table_put cannot fail. */
bool table_reserve(size_t more);
void table_put(uintptr_t address, struct site *site, unsigned tag);

/* The sites that it knows, some more than once. */
void table_each(void (*visit)(struct site *site));

/* Bytes of memory held, for the books. */
size_t table_memory(void);

/* ---- shared by the read side and the write side ---- */
struct table_entry {
  _Atomic(uintptr_t) address;      /* 0: free; stored last, pairs with the acquire of readers */
  _Atomic(uintptr_t) value;        /* site pointer | tag */
};

struct table_view {
  size_t mask;
  size_t used;
  struct table_entry entries[];
};

extern _Atomic(struct table_view *) table_current;

static inline size_t table_slot(const struct table_view *view, uintptr_t address)
{
  return (size_t)((address * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & view->mask;   /* Fibonacci hashing, middle bits */
}

#endif
