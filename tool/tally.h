/* Sums over processes that ran the same program, kept after their places in the channel are used again. */
#ifndef TOOL_TALLY_H
#define TOOL_TALLY_H

#include "chunks.h"
#include "count.h"
#include "plan.h"
#include "room.h"

enum { ENTRY_KINDS = 5 };

/* One function in one program. */
struct row {
  const struct pick *pick;
  char *target;                  /* what an IFUNC chose; NULL: no IFUNC */
  char *reason;                  /* why it was not hooked; NULL: it was */
  unsigned entry;                /* sighook_entry */
  uint64_t calls;
};

/* All processes that ran one program. */
struct block {
  const struct module *program;
  unsigned processes;
  uint64_t threads;
  struct row *rows;
  size_t count, room;
  uint32_t *index;               /* open hash of rows, by pick; position plus one */
  size_t index_size;
};

struct tally {
  struct block *blocks;
  size_t count, room;
  uint64_t refused_chunks;       /* threads whose hits were not counted */
};

/* Adds a process that ran with that image; false where not all that it left behind is as its agent would have left it. */
bool tally_add(struct count_run *run, const struct image *image, const struct chunks *chunks);
void tally_refused(uint64_t chunks);
const struct tally *tally(void);

/* Over all programs, each function once. */
struct totals {
  unsigned hooked, called, refused;
  unsigned entries[ENTRY_KINDS];
  uint64_t calls;
};
struct totals tally_totals(void);

/* Whether two rows, perhaps of two programs, are the same function. */
bool row_same(const struct row *a, const struct row *b);

#endif
