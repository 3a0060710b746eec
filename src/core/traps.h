/* Traps that a change would write, and threads that they would kill: who blocks a trap's signal may not meet one. */
#ifndef CORE_TRAPS_H
#define CORE_TRAPS_H

#include "core/transaction.h"

/* Makes ready for the traps of the planned changes, those that stay and those that stand while bytes change in phases:
 * SIGHOOK_SIGNAL_FAILED, and nothing has changed, where somebody might be killed. */
sighook_status traps_prepare(struct transaction *t, struct error *error);

/* The same for one change of bytes, whose own traps stand in its phases only. */
sighook_status traps_prepare_change(const struct change *change, struct error *error);

/* The same for one site that gets a trap. */
sighook_status traps_prepare_entry(const struct site *site, struct error *error);

/* enum trap_kind of those that stay where the site's entry is. */
unsigned traps_of(const struct site *site);

/* What traps_prepare would say of a site that is only drafted; no handler is installed. */
sighook_status traps_check(const struct site *draft, struct error *error);

#endif
