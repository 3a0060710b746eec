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

struct entry_request {
  struct site *site;           /* address, length, original bytes and stub are set */
  const uint8_t *code;         /* the bytes that stand from the site on */
  size_t readable;             /* how many of them */
  uintptr_t next_entry;        /* no pun leans on it or beyond; UINTPTR_MAX where unknown */
  bool interior_target;        /* a branch leads into the middle of the instruction */
  uint32_t flags;              /* SIGHOOK_FORCE_TRAP, SIGHOOK_NO_PUN */
  bool dry;                    /* only find out: no island is put */
  struct os_maps *maps;
  struct os_text *text;
};

/* Sets entry, prefixes, landing, reason and fragile of the site. A trap always fits. */
void host_choose_entry(const struct entry_request *request);

/* The bytes at `changed` + [0, length) are about to read as `after`: makes the punned entry of `site`, which leans on them,
 * lead to its stub then too. False where that cannot be had. */
bool host_entry_follow(const struct site *site, uintptr_t changed, const uint8_t *after, size_t length, struct os_maps *maps,
                       struct os_text *text);

#endif
