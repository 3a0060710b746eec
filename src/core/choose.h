/* Choosing what stands at the sites that a change brings to life. Entries may lean on the bytes behind them; so the one at the highest
 * address is chosen first, and each sees those behind it as they will stand. */
#ifndef CORE_CHOOSE_H
#define CORE_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>
#include "core/examine.h"
#include "core/plan.h"
#include "core/site.h"
#include "host/entry.h"

/* What the choice depends on, beside the code. */
struct choice {
  uintptr_t next_entry;
  uintptr_t function_end;
  bool interior_target;
  uint32_t flags;                    /* of all that is installed there: SIGHOOK_FORCE_TRAP, SIGHOOK_NO_PUN */
};

static inline struct choice choice_by(const struct examination *found, uint32_t flags)
{
  return (struct choice){.next_entry = found->next_entry,
                         .function_end = found->function_end,
                         .interior_target = found->interior_target,
                         .flags = flags};
}

/* Sites that have to go live with another one, and before it or at once with it. */
enum { VICTIMS_LISTED = ENTRY_VICTIMS_MAX + 1 };      /* with one that gave way to an attempt that failed */

struct victims {
  struct site *sites[VICTIMS_LISTED];
  unsigned count;
};

/* Gives the site an entry; at most `room` others give way for it. */
void choose_entry(struct plan *plan, struct site *site, const struct choice *choice, unsigned room, struct victims *victims);

/* What choose_entry would choose for a draft; nothing is made. */
void choose_dry(struct plan *plan, struct site *draft, const struct choice *choice);

#endif
