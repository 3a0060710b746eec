/* From a site's hooks to what a hit runs. */
#ifndef CORE_PUBLISH_H
#define CORE_PUBLISH_H

#include "core/hook.h"
#include "core/site.h"
#include "error.h"

/* What the site's enabled hooks come to: path, routine and action together. */
struct publication {
  uintptr_t path, routine;
  struct action *action;             /* NULL: none */
  enum save_class save_class;        /* that the action needs */
};

/* Builds it from the hooks linked now, those marked HOOK_LEAVING left out. */
sighook_status publish_prepare(const struct site *site, struct publication *publication, struct error *error);
/* The replacement that the site's entry may lead to without its stub, or 0: one that is alone there and can only go as a whole,
 * since what can be disabled or joined by others is switched by data, in the stub. */
uintptr_t publish_direct(const struct site *site);
/* Gives back what was prepared and will not be published. */
void publish_discard(struct publication *publication);
/* Makes it what hits run from now on; what it replaces is retired. */
void publish(struct site *site, const struct publication *publication);

#endif
