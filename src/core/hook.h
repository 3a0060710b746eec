/* Hooks: what a caller installed on a site, and the handles by which it is known. Guarded by the library's lock, but for the
 * action, which captures read. */
#ifndef CORE_HOOK_H
#define CORE_HOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sighook/hook.h>
#include "core/lifetime.h"
#include "core/site.h"

enum {                                /* struct hook.role, beside the public flags */
  HOOK_ENABLED = 1,
  HOOK_PLAIN = 2,                     /* made by one of the five plain calls, which own one hook an address */
  HOOK_LIVE = 4,                      /* installed: linked to its site and known by its handle */
  HOOK_LEAVING = 8                    /* being removed */
};

struct hook_count {                   /* sums of the site's counter when this hook began to count, or its own while disabled */
  uint64_t hits, missed;
};

struct hook {
  struct action action;               /* PROBE, PROBE_SKIP: handler, user; REPLACE: argument is the replacement */
  union {
    struct {
      struct site *site;
      struct hook *next;              /* on the site, by priority */
      struct hook_count *count;       /* SIGHOOK_COUNT only */
    };
    struct retired retired;           /* once removed; an action under way reads none of the three */
  };
  uint32_t index, generation;         /* together the handle; generation changes when the hook goes */
  uint16_t flags;                     /* with `kind`, read on hits; no bit-fields, or changing the role would write them too */
  uint8_t kind, role;
  int32_t priority;
};

/* A fresh hook, or NULL where memory is refused. */
struct hook *hook_take(void);
/* The hook, unlinked from its site: nobody finds it by handle any more, and it is used again after a grace period. */
void hook_retire(struct hook *hook);
/* Gives back a hook that was never published. */
void hook_untake(struct hook *hook);

struct hook *hook_find(sighook_hook handle);
sighook_hook hook_handle(const struct hook *hook);

/* Walks all hooks there are: NULL begins, NULL ends. */
struct hook *hook_after(const struct hook *hook);

/* Puts the hook into its site's list by priority, behind equal ones. */
void hook_link(struct hook *hook);
void hook_unlink(struct hook *hook);

/* Whether the site has a hook that is not being removed. */
bool hook_stays(const struct site *site);

/* What its site's counter says, from this hook's view. */
struct hook_count hook_counted(const struct hook *hook);
/* Begins, or stops, to count. */
void hook_set_enabled(struct hook *hook, bool enabled);

void hook_abandon(void);

#endif
