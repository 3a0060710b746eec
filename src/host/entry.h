/* Choosing what stands at a site. One implementation an architecture. */
#ifndef HOST_ENTRY_H
#define HOST_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/reason.h"
#include "core/site.h"
#include "os/maps.h"
#include "os/text.h"

/* An instruction behind the site that could be given a jump of its own for the site's sake. */
struct entry_victim {
  struct site *site;           /* NULL, or it goes live too, with an entry that may still be changed */
  struct site *idle;           /* NULL, or what `take` would answer: the site of before, with the entry that it had */
  uint8_t length;
  bool is_head;                /* of a loop, which a jump would slow down */
  bool is_target;              /* a branch leads there, which a trap would slow down */
  bool is_padding;             /* nobody runs it */
};

enum { ENTRY_VICTIMS_MAX = 4 };

struct entry_request {
  struct site *site;           /* address, length, original bytes and stub are set */
  const uint8_t *code;         /* the bytes that stand, or will, from the site on */
  const uint8_t *original;     /* the program's own: where instructions begin */
  size_t readable;             /* how many of them */
  uintptr_t function_end;      /* of the function around the site; 0: unknown */
  uintptr_t next_entry;        /* no pun leans on it or beyond; UINTPTR_MAX where unknown */
  bool interior_target;        /* a branch leads into the middle of the instruction */
  uint32_t flags;              /* SIGHOOK_FORCE_TRAP, SIGHOOK_NO_PUN */
  bool dry;                    /* only find out: no island is put */
  struct os_maps *maps;
  struct os_text *text;
  /* Whether the breakpoint that stands at `address` is somebody else's, as far as the file can tell. */
  bool (*is_foreign)(const struct entry_request *request, uintptr_t address);
  /* Whether the instruction at `address` may be a victim. */
  bool (*look)(const struct entry_request *request, uintptr_t address, struct entry_victim *victim);
  /* Its site, to be given an entry that leads to its gate; NULL where none can be made. */
  struct site *(*take)(const struct entry_request *request, uintptr_t address);
  /* Lets go of all that were taken. */
  void (*give_back)(const struct entry_request *request);
};

/* Sets entry, prefixes, landing, reason and fragile of the site. A trap always fits. */
void host_choose_entry(const struct entry_request *request);

/* Whether what stands at the site is a jump that leans on the bytes behind it. */
static inline bool entry_is_punned(const struct site *site)
{
  return site->entry == SIGHOOK_ENTRY_PUNNED || site->entry == SIGHOOK_ENTRY_EVICTED;
}

/* The bytes at `changed` + [0, length) are about to read as `after`: makes the punned entry of `site`, which leans on them,
 * lead to its stub then too. False where that cannot be had. */
bool host_entry_follow(const struct site *site, uintptr_t changed, const uint8_t *after, size_t length, struct os_maps *maps,
                       struct os_text *text);

#endif
