/* What a transaction holds, between its two halves: hooks and publication (transact.c), and code (rewrite.c). */
#ifndef CORE_TRANSACTION_H
#define CORE_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/choose.h"
#include "core/plan.h"
#include "core/publish.h"
#include "core/transact.h"
#include "patch/patch.h"

/* A site that the transaction touches. */
struct touched {
  struct site *site;
  struct publication publication;
  struct choice choice;               /* going live */
  bool changes_code;
  uintptr_t landing;                  /* the site's before the transaction */
  uint8_t before[SITE_BYTES], after[SITE_BYTES];
  uint8_t starts[SITE_BYTES];         /* of the change, where instructions begin in it: see patch.h */
  size_t request;                     /* the first that touched it, for blame */
};

struct transaction {
  struct request *requests;
  size_t count;
  struct plan plan;
  struct touched *touched;
  size_t touched_count, touched_max;
  uint32_t *order;                    /* of touched, by address */
  struct change *changes;
  size_t change_count;
  size_t failed_at;
};

/* Whose change it is. */
static inline struct touched *transaction_owner(const struct change *change)
{
  return (struct touched *)((char *)change->before - offsetof(struct touched, before));
}

/* NULL where there is no room for another that no request named. */
struct touched *transaction_touch(struct transaction *t, struct site *site, size_t request);

/* Gives the sites that go live their entries, and takes the victims that this needs among the touched. */
void rewrite_choose(struct transaction *t);

/* Plans the changes of code; sites whose last hook goes stay where another's entry needs their bytes. */
sighook_status rewrite_plan(struct transaction *t, struct error *error);

/* Makes them. */
sighook_status rewrite_code(struct transaction *t, struct error *error);

#endif
