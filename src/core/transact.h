/* Installing and removing hooks, any number of them as one: planned whole, then made live by one run of the patching
 * protocol, all or nothing. */
#ifndef CORE_TRANSACT_H
#define CORE_TRANSACT_H

#include <stdbool.h>
#include <stddef.h>
#include "core/hook.h"
#include "core/publish.h"
#include "error.h"

struct request {
  bool removal;
  bool plain;                       /* made by one of the five plain calls */
  sighook_spec spec;                /* an installation */
  struct hook *hook;                /* in: the hook to remove; out: the hook installed */
  void *untouched;                  /* what spec.call_original pointed to held before */
};

/* On failure nothing has changed, and *failed_at, where not NULL, is the index of the request at fault. */
sighook_status transact(struct request *requests, size_t count, size_t *failed_at, struct error *error);

#endif
