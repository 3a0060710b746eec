/* Punned entries lean on the bytes of the instructions behind them. Before such bytes change, the entries that lean on them
 * must lead to their stubs with the new bytes too. */
#ifndef CORE_LEANING_H
#define CORE_LEANING_H

#include <stdbool.h>
#include <stddef.h>
#include "core/plan.h"
#include "error.h"
#include "patch/patch.h"

/* Prepares for `change`, in three phases if `phased`. A site that cannot follow is turned into a trap: at once if it is live,
 * before it goes live if it is only planned. */
sighook_status leaning_prepare(struct plan *plan, const struct change *change, bool phased, struct error *error);

#endif
