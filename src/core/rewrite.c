/* From the sites that a transaction touches to changes of code, in rounds: an entry that leans on bytes which change with it is written
 * after them, and removed before. */
#include "core/transaction.h"

#include "codemem/arena.h"
#include "core/lead.h"
#include "core/leaning.h"
#include "core/order.h"
#include "core/reason.h"
#include "core/traps.h"
#include "host/entry.h"
#include "host/host.h"
#include "table/table.h"

enum { ROUNDS_MAX = 1000 };            /* longer rows of short instructions end in a trap, which leans on nothing */

/* ---- order ---- */

static uintptr_t place_of(const void *transaction, size_t index)
{
  const struct transaction *t = transaction;

  return site_place(t->touched[index].site);
}

static void sort(struct transaction *t)
{
  order_by(t->order, t->touched_count, place_of, t);
}

/* Puts the one touched last into the order, behind index `after`. */
static void insert_last(struct transaction *t, size_t after)
{
  size_t at = t->touched_count - 1;

  t->order[at] = (uint32_t)at;
  for (; at > after + 1 && place_of(t, t->order[at]) < place_of(t, t->order[at - 1]); at--) {
    uint32_t swapped = t->order[at];

    t->order[at] = t->order[at - 1];
    t->order[at - 1] = swapped;
  }
}

/* ---- entries ---- */

/* One more than the highest round of those that it leans on and that change too. */
static unsigned round_behind(const struct site *site)
{
  unsigned round = 0;

  for (size_t i = site->length; entry_is_punned(site) && i < host_entry_span(site); i++) {
    struct table_value found = table_find(site_place(site) + i);

    if (found.site && !found.tag && found.site->going_live && found.site->round >= round)
      round = found.site->round + 1u;
  }
  return round;
}

static void choose(struct transaction *t, struct touched *touched)
{
  struct site *site = touched->site;
  struct victims victims;
  unsigned round;

  choose_entry(&t->plan, site, &touched->choice, (unsigned)(t->touched_max - t->touched_count), &victims);
  for (unsigned i = victims.count; i-- > 0;) {       /* from the highest address down, as rounds want it */
    struct site *victim = victims.sites[i];

    victim->round = (uint16_t)round_behind(victim);
    leaning_note(victim);
    if (!victim->touched)
      transaction_touch(t, victim, touched->request);
  }
  leaning_note(site);
  round = round_behind(site);
  site->round = (uint16_t)round;
  if (round > ROUNDS_MAX) {
    site->entry = SIGHOOK_ENTRY_TRAP;
    site->reason = REASON_LEANED_ON;
    site->round = 0;
  }
  if (site->entry == SIGHOOK_ENTRY_BRANCH)           /* before those that may lean on it are chosen */
    site->landing = publish_direct(site);
}

void rewrite_choose(struct transaction *t)
{
  sort(t);
  for (size_t i = t->touched_count; i-- > 0;) {
    struct touched *touched = &t->touched[t->order[i]];

    if (touched->site->going_live)
      choose(t, touched);
  }
  sort(t);
}

/* ---- changes ---- */

static bool is_gone(struct transaction *t, const struct site *site)
{
  uint8_t entry[HOST_ENTRY_MAX];

  host_entry_bytes(site, entry);
  return plan_is_gone(&t->plan, site_place(site), entry, site->original + site->shift, site->length);
}

/* Sites without hooks that may have stood for this one's sake only. */
static void release_leaned(struct transaction *t, const struct site *site, size_t index)
{
  bool leaned = entry_is_punned(site) || site->reason == REASON_LEANED_ON;    /* the latter until it became a trap */

  for (size_t i = site->length; leaned && i < LEAN_MAX; i++) {
    struct table_value found = table_find(site_place(site) + i);

    if (found.site && !found.tag && found.site->stub && !found.site->touched && site_in_place(found.site) &&
        !hook_stays(found.site) && transaction_touch(t, found.site, t->touched[t->order[index]].request))
      insert_last(t, index);
  }
}

/* A boundary inside the jump of the change planned last, which comes or goes too, is changed with it: no trap is to stand there
 * while others still run on to it. */
static bool join_change(struct transaction *t, const struct touched *touched)
{
  struct change *change = t->change_count ? &t->changes[t->change_count - 1] : NULL;
  struct site *site = touched->site, *reaching = change ? table_find(change->address).site : NULL;
  struct touched *owner;
  size_t offset;

  if (!change || !site_is_boundary(site) || !reaching || !entry_is_punned(reaching) ||
      reaching->going_live != site->going_live || reaching->leaving != site->leaving)
    return false;
  offset = site_place(site) - change->address;
  if (offset != change->length || offset >= host_entry_span(reaching))
    return false;
  owner = transaction_owner(change);
  for (size_t i = 0; i < site->lent; i++) {
    owner->before[offset + i] = touched->before[i];
    owner->after[offset + i] = touched->after[i];
  }
  owner->starts[offset] = site->going_live ? touched->after[0] : touched->before[0];
  change->length += site->lent;
  change->starts = owner->starts;
  return true;
}

static void plan_change(struct transaction *t, size_t index)
{
  struct touched *touched = &t->touched[t->order[index]];
  struct site *site = touched->site;
  bool live = site_in_place(site);
  bool wanted = site->going_live || hook_stays(site) || leaning_holds(&t->plan, site);
  uintptr_t direct = site->landing;

  if (site->entry == SIGHOOK_ENTRY_BRANCH && !site->going_live)
    direct = wanted ? publish_direct(site) : 0;
  if (live == wanted && direct == site->landing)
    return;
  touched->changes_code = true;
  site->leaving = live && !wanted;
  for (unsigned i = 0; i < site->length; i++)
    touched->before[i] = touched->after[i] = site->original[site->shift + i];
  if (live)
    host_entry_bytes(site, touched->before);
  site->landing = direct;
  if (wanted)
    host_entry_bytes(site, touched->after);
  touched->starts[0] = true;
  if (join_change(t, touched))
    return;
  t->changes[t->change_count++] = (struct change){
      .address = site_place(site), .length = site->length, .before = touched->before, .after = touched->after};
  if (site->leaving)
    release_leaned(t, site, index);
}

/* ---- what leans ---- */

/* What leans on the changes follows, or becomes a trap: then other bytes stand there, on which again others lean. */
static sighook_status settle(struct transaction *t, struct error *error)
{
  sighook_status status = SIGHOOK_OK;
  bool parked = true;

  while (parked && !status) {
    parked = false;
    for (size_t i = 0; i < t->change_count && !status; i++)
      status = leaning_prepare(&t->plan, t->changes, t->change_count, i, &parked, error);
    for (size_t i = 0; i < t->touched_count && parked; i++)
      if (t->touched[i].changes_code && t->touched[i].site->entry == SIGHOOK_ENTRY_TRAP)
        host_entry_bytes(t->touched[i].site, t->touched[i].site->going_live ? t->touched[i].after : t->touched[i].before);
  }
  return status;
}

/* One more than the highest round of those that lean on it and go. */
static unsigned round_before(const struct site *site)
{
  unsigned round = 0;

  for (unsigned back = 1; back < LEAN_MAX; back++) {
    struct table_value found = table_find(site_place(site) - back);

    if (found.site && !found.tag && found.site->leaving && entry_is_punned(found.site) && host_entry_span(found.site) > back &&
        found.site->round >= round)
      round = found.site->round + 1u;
  }
  return round;
}

/* Those that go live had theirs when they were chosen; they come after all that goes, which may lean on them. Answers the last. */
static unsigned set_rounds(struct transaction *t)
{
  unsigned first = 0, last = 0;
  bool leaned = false;

  for (size_t i = 0; i < t->touched_count; i++) {
    struct site *site = t->touched[t->order[i]].site;

    if (!site->going_live)
      site->round = 0;
    if (site->leaving && leaned)
      site->round = (uint16_t)round_before(site);
    leaned |= site->leaving && entry_is_punned(site);
    first = site->leaving && site->round >= first ? site->round + 1u : first;
  }
  for (size_t i = 0; i < t->touched_count; i++) {
    struct site *site = t->touched[i].site;

    if (!site->leaving)
      site->round = (uint16_t)(site->round + first);
    last = site->round > last ? site->round : last;
  }
  return last;
}

static uint16_t round_at(uintptr_t address)
{
  struct table_value found = table_find(address);

  return found.site ? found.site->round : 0;
}

sighook_status rewrite_plan(struct transaction *t, struct error *error)
{
  sighook_status status;
  unsigned rounds;

  for (size_t i = 0; i < t->touched_count; i++) {    /* by address: whoever is leaned on learns who stays */
    struct site *site = t->touched[t->order[i]].site;

    if (site->going_live || !is_gone(t, site))
      plan_change(t, i);
    else if ((site->leaving = !hook_stays(site)))
      release_leaned(t, site, i);
  }
  if (t->change_count)
    patch_sort(t->changes, t->change_count);
  status = settle(t, error);
  rounds = set_rounds(t);
  for (size_t i = 0; i < t->change_count; i++)
    t->changes[i].round = rounds ? round_at(t->changes[i].address) : 0;
  return status ? status : traps_prepare(t, error);
}

/* ---- the whole ---- */

sighook_status rewrite_code(struct transaction *t, struct error *error)
{
  sighook_status status = arena_flush(&t->plan.text, error);
  size_t at = 0;

  for (size_t i = 0; i < t->touched_count; i++)
    if (t->touched[i].site->going_live) {
      publish(t->touched[i].site, &t->touched[i].publication);
      atomic_store_explicit(&t->touched[i].site->state, SITE_LIVE, memory_order_release);
    }
  if (status || !t->change_count)
    return status;
  lead_on(t);
  status = patch_in_rounds(&t->plan.maps, &t->plan.text, t->changes, t->change_count, &at, error);
  lead_back(t, status != SIGHOOK_OK);
  if (status)
    for (size_t i = 0; i < t->touched_count; i++)
      if (site_place(t->touched[i].site) == t->changes[at].address)
        t->failed_at = t->touched[i].request;
  return status;
}
