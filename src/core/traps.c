/* Which traps a change writes, and whether they may be met. Single stores of branches are not held up: nothing is asked
 * for them. */
#include "core/traps.h"

#include "core/reason.h"
#include "host/entry.h"
#include "host/host.h"
#include "trap/trap.h"

static const char in_phases[] = "one store cannot change the bytes there";

/* The first place for each kind of trap. */
struct needs {
  struct need {
    uintptr_t address; /* 0: none */
    const char *why;
    size_t request;
  } breakpoint, illegal;
};

static void need(struct needs *needs, unsigned kinds, uintptr_t address, const char *why, size_t request)
{
  const struct need one = {address, why, request};

  if ((kinds & TRAP_BREAKPOINT) && !needs->breakpoint.address)
    needs->breakpoint = one;
  if ((kinds & TRAP_ILLEGAL) && !needs->illegal.address)
    needs->illegal = one;
}

/* A boundary's trap is told with the jump around it. */
unsigned traps_of(const struct site *site)
{
  if (site->entry == SIGHOOK_ENTRY_TRAP)
    return site_is_boundary(site) ? 0 : TRAP_BREAKPOINT;
  return site->entry == SIGHOOK_ENTRY_EVICTED ? site->inner_traps : 0;
}

static unsigned phase_traps(const struct change *change)
{
  unsigned kinds = TRAP_BREAKPOINT;

  if (patch_is_single_store(change))
    return 0;
  for (size_t i = 0; change->starts && i < change->length; i++)
    if (change->starts[i] > 1 && change->starts[i] != host_trap[0])
      kinds |= TRAP_ILLEGAL;
  return kinds;
}

static sighook_status refuse(const struct need *need, enum trap_kind kind, struct error *error)
{
  return need->address ? trap_check_threads(kind, need->address, need->why, error) : SIGHOOK_OK;
}

static sighook_status start(unsigned kinds, struct error *error)
{
  sighook_status status = kinds & TRAP_BREAKPOINT ? trap_start(TRAP_BREAKPOINT, error) : SIGHOOK_OK;

  return !status && (kinds & TRAP_ILLEGAL) ? trap_start(TRAP_ILLEGAL, error) : status;
}

static sighook_status check_planned(struct transaction *t, unsigned *phased, struct error *error)
{
  struct needs needs = {0};
  sighook_status status;

  for (size_t i = 0; i < t->touched_count; i++) {
    const struct touched *touched = &t->touched[i];

    if (touched->changes_code && !touched->site->leaving)
      need(&needs, traps_of(touched->site), site_place(touched->site), reason_text(touched->site->reason),
           touched->request);
  }
  for (size_t i = 0; i < t->change_count; i++) {
    unsigned kinds = phase_traps(&t->changes[i]);

    need(&needs, kinds, t->changes[i].address, in_phases, transaction_owner(&t->changes[i])->request);
    *phased |= kinds;
  }
  status = refuse(&needs.breakpoint, TRAP_BREAKPOINT, error);
  if (status) {
    t->failed_at = needs.breakpoint.request;
    return status;
  }
  status = refuse(&needs.illegal, TRAP_ILLEGAL, error);
  if (status)
    t->failed_at = needs.illegal.request;
  return status;
}

sighook_status traps_prepare(struct transaction *t, struct error *error)
{
  unsigned kinds = HOST_LEAVES_BY_TRAP ? TRAP_BREAKPOINT : 0;
  sighook_status status = check_planned(t, &kinds, error);

  for (size_t i = 0; i < t->touched_count; i++) { /* handled, too, where nobody is known to come */
    kinds |= t->touched[i].site->entry == SIGHOOK_ENTRY_TRAP ? TRAP_BREAKPOINT : 0;
    kinds |= t->touched[i].site->was_illegal ? TRAP_ILLEGAL : 0;
  }
  return status ? status : start(kinds, error);
}

sighook_status traps_prepare_change(const struct change *change, struct error *error)
{
  sighook_status status;

  if (patch_is_single_store(change))
    return SIGHOOK_OK;
  status = trap_check_threads(TRAP_BREAKPOINT, change->address, in_phases, error);
  return status ? status : trap_start(TRAP_BREAKPOINT, error);
}

sighook_status traps_prepare_entry(const struct site *site, struct error *error)
{
  sighook_status status = trap_check_threads(TRAP_BREAKPOINT, site_place(site), reason_text(site->reason), error);

  return status ? status : trap_start(TRAP_BREAKPOINT, error);
}

/* The change that would write it: of the whole jump where that has traps inside. */
static bool needs_phases(const struct site *draft)
{
  uint8_t before[HOST_ENTRY_MAX] = {0}, after[HOST_ENTRY_MAX];
  struct change change = {.address = site_place(draft), .length = draft->length, .before = before, .after = after};

  for (unsigned i = 0; i < draft->length; i++)
    before[i] = draft->original[draft->shift + i];
  host_entry_bytes(draft, after);
  if (entry_is_punned(draft) && draft->reason == REASON_REACHES_OVER) {
    change.length = host_entry_span(draft);
    for (size_t i = draft->length; i < change.length; i++)
      after[i] = (uint8_t)~before[i];
  }
  return !patch_is_single_store(&change);
}

sighook_status traps_check(const struct site *draft, struct error *error)
{
  unsigned kinds = traps_of(draft);
  const char *why = reason_text(draft->reason);
  sighook_status status = SIGHOOK_OK;

  if (!kinds && needs_phases(draft)) {
    kinds = TRAP_BREAKPOINT;
    why = in_phases;
  }
  for (enum trap_kind kind = TRAP_BREAKPOINT; kind <= TRAP_ILLEGAL && !status; kind++)
    if (kinds & kind)
      status = trap_check_threads(kind, site_place(draft), why, error);
  return status;
}
