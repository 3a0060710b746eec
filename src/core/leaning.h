/* Punned entries lean on the bytes of the instructions behind them. Before such bytes change, the entries that lean on them
 * must lead to their stubs with the new bytes too. */
#ifndef CORE_LEANING_H
#define CORE_LEANING_H

#include <stdbool.h>
#include <stddef.h>
#include "core/plan.h"
#include "error.h"
#include "patch/patch.h"

/* How far behind its start an entry may lean on bytes, at most. */
enum { LEAN_MAX = 8 };

/* To be told of every site that gets an entry, before it goes live. */
void leaning_note(const struct site *site);

/* Prepares for changes[index], which is made together with all `count`, sorted by address. A site that cannot follow is turned
 * into a trap, which *parked tells: at once if it is live, before it goes live if it is only planned. That is a change of its own:
 * where the site is one of `changes`, the bytes there have to be told anew, and all prepared for once more. */
sighook_status leaning_prepare(struct plan *plan, const struct change *changes, size_t count, size_t index, bool *parked,
                               struct error *error);

/* Whether an entry, standing or to stand, other than that of `except`, leans on [address, address + length). */
bool leaning_stands_on(uintptr_t address, size_t length, const struct site *except);

/* Whether the site has to stay in place though no hook is left: an entry that stays leans on its bytes, and would lead nowhere with
 * the program's own. Those before it that go are marked as leaving. */
bool leaning_holds(struct plan *plan, const struct site *site);

#endif
