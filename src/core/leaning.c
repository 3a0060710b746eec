/* Entries that lean on bytes about to change. */
#include "core/leaning.h"

#include "core/reason.h"
#include "host/entry.h"
#include "host/host.h"
#include "table/table.h"
#include "trap/trap.h"

enum { LEAN_MAX = 8 };

/* The states that a change passes through: in one store, or trap first, then the rest, then the start. */
static bool follows(const struct site *site, const struct change *change, bool phased, struct plan *plan)
{
  uint8_t state[SITE_BYTES];
  size_t length = change->length < SITE_BYTES ? change->length : SITE_BYTES;

  for (size_t i = 0; i < length; i++)
    state[i] = change->before[i];
  if (phased) {
    state[0] = host_trap[0];
    if (!host_entry_follow(site, change->address, state, length, &plan->maps, &plan->text))
      return false;
    for (size_t i = 1; i < length; i++)
      state[i] = change->after[i];
    if (!host_entry_follow(site, change->address, state, length, &plan->maps, &plan->text))
      return false;
  }
  return host_entry_follow(site, change->address, change->after, length, &plan->maps, &plan->text);
}

static sighook_status park(struct plan *plan, struct site *site, struct error *error)
{
  uint8_t before[HOST_ENTRY_MAX], after[HOST_ENTRY_MAX];
  struct change change = {.address = site_place(site), .length = site->length, .before = before, .after = after};
  struct site saved = *site;
  sighook_status status;

  host_entry_bytes(site, before);
  site->entry = SIGHOOK_ENTRY_TRAP;
  site->reason = REASON_LEANED_ON;
  if (!site_in_place(site))
    return SIGHOOK_OK;
  host_entry_bytes(site, after);
  status = leaning_prepare(plan, &change, false, error);   /* ends: who leans on it lies lower still */
  if (!status)
    status = trap_start(error);
  if (!status)
    status = patch_apply(&plan->maps, &plan->text, &change, 1, NULL, error);
  if (status) {
    site->entry = saved.entry;
    site->reason = saved.reason;
  }
  return status;
}

sighook_status leaning_prepare(struct plan *plan, const struct change *change, bool phased, struct error *error)
{
  for (unsigned back = 1; back < LEAN_MAX; back++) {
    struct table_value found = table_find(change->address - back);
    sighook_status status;

    if (!found.site || found.tag || !found.site->stub || found.site->entry != SIGHOOK_ENTRY_PUNNED ||
        host_entry_span(found.site) <= back)
      continue;
    if (!site_in_place(found.site) && !found.site->going_live)
      continue;
    if (follows(found.site, change, phased, plan))
      continue;
    status = park(plan, found.site, error);
    if (status)
      return status;
  }
  return SIGHOOK_OK;
}
