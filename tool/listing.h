/* What `sighook list --entry` asks of the agent, and what it answers: one such record in the channel. */
#ifndef TOOL_LISTING_H
#define TOOL_LISTING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { LISTING_ENTRIES = 5, LISTING_CAUSES = 64, LISTING_TEXT = 152 };

/* A function that is asked about. */
struct listing_function {
  uint64_t offset;               /* from the module's load bias */
  uint64_t size;                 /* 0: unknown */
  uint64_t target;               /* answer, for an IFUNC: offset of the chosen function in target_module */
  uint32_t module;               /* in the order of the process's modules */
  uint32_t target_module;
  uint32_t is_ifunc, unused;
};

/* A site that gets a trap or is refused. */
struct listing_site {
  uint64_t at;                   /* from the function's start */
  uint32_t function, cause;
};

/* A kind of entry, and why it is no better one. */
struct listing_cause {
  uint32_t entry, unused;        /* sighook_entry; none: refused */
  uint64_t count;
  char text[LISTING_TEXT];
};

/* Of the process, before and after all sites were installed together. */
struct listing_process {
  uint64_t mappings, memory;     /* bytes that are its alone */
};

struct listing {
  uint64_t size;                 /* of all this, in bytes */
  uint64_t function_count, site_room;
  uint32_t by_instruction;       /* every instruction of the functions, not only their starts */
  uint32_t together;             /* install all in one batch, instead of asking one by one */
  uint64_t random, seed;         /* only so many sites, by chance; 0: all */
  /* the answers */
  _Atomic(uint32_t) done;
  uint32_t cause_count;
  uint64_t entries[LISTING_ENTRIES];             /* by sighook_entry; none: refused */
  uint64_t sites_asked, fragile;
  uint64_t endless;              /* functions of which only the first instruction is known */
  uint64_t unchosen;             /* IFUNCs whose choice is not known */
  uint64_t site_count;           /* those written down */
  uint64_t batch_ns, batch_sites, batches;       /* what the last batch took, of how many sites, and how many were tried */
  struct listing_process before, after;
  char failure[256];             /* why there is no batch; "": there is one */
  struct listing_cause causes[LISTING_CAUSES];
  struct listing_function functions[];
};

static inline struct listing_site *listing_sites(struct listing *listing)
{
  return (struct listing_site *)(listing->functions + listing->function_count);
}

#endif
