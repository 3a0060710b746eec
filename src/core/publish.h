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
/* Where the site's entry may lead past the switch by data that its stub begins with, or 0: to a replacement that is alone there and
 * can only go as a whole; to the counting of hooks that do nothing else, who, while they are disabled, take no notice of it. */
uintptr_t publish_direct(const struct site *site);
/* Gives back what was prepared and will not be published. */
void publish_discard(struct publication *publication);
/* Makes it what hits run from now on; what it replaces is retired. */
void publish(struct site *site, const struct publication *publication);
/* Switches a hook on or off and publishes what comes of it: data only. */
sighook_status publish_enabled(struct hook *hook, bool enabled, struct error *error);

#endif
