/* Entries that lean on bytes about to change. */
#include "core/leaning.h"

#include "core/reason.h"
#include "core/traps.h"
#include "host/entry.h"
#include "host/host.h"
#include "table/table.h"

enum { TOGETHER_MAX = 4, PAGE_SIZE = 4096, PAGE_BITS = 1 << 16 };

/* Whether the site sees no more of a change in phases than one start, and one byte beside it: more is written piece by piece, in
 * states that are not worth it. */
static bool sees_few_states(const struct site *site, const struct change *change)
{
  uintptr_t end = site_place(site) + host_entry_span(site);
  unsigned starts = 0, others = 0;

  for (size_t i = 0; i < change->length && change->address + i < end; i++) {
    starts += patch_is_start(change, i);
    others += !patch_is_start(change, i) && change->before[i] != change->after[i];
  }
  return starts <= 1 && others <= 1;
}

/* The states that a change passes through: in one store, or trap first, then the rest, then the start. */
static bool follows(const struct site *site, const struct change *change, bool phased, struct plan *plan)
{
  uint8_t state[SITE_BYTES];
  size_t length = change->length < SITE_BYTES ? change->length : SITE_BYTES;

  for (size_t i = 0; i < length; i++)
    state[i] = change->before[i];
  if (phased && !sees_few_states(site, change))
    return false;
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

/* The changes of the bytes that the site leans on, changes[index] among them; their count. */
static size_t leaned_on(const struct site *site, const struct change *changes, size_t count, size_t index, size_t *first)
{
  uintptr_t end = site_place(site) + host_entry_span(site);
  size_t last = index + 1;

  for (*first = index; *first > 0 && changes[*first - 1].address > site_place(site);)
    --*first;
  while (last < count && changes[last].address < end)
    last++;
  return last - *first;
}

/* Several changes that it leans on are seen in any order: each combination of old and new must lead to the stub. */
static bool follows_each(const struct site *site, const struct change *changes, size_t count, struct plan *plan)
{
  uintptr_t from = site_next(site);
  size_t length = host_entry_span(site) - site->length;
  uint8_t now[HOST_ENTRY_MAX], state[HOST_ENTRY_MAX];

  if (count > TOGETHER_MAX || os_text_read(&plan->text, from, now, length) != length)
    return false;
  for (unsigned chosen = 0; chosen < 1u << count; chosen++) {
    for (size_t i = 0; i < length; i++)
      state[i] = now[i];
    for (size_t i = 0; i < count; i++)
      for (size_t j = 0; (chosen & 1u << i) && j < changes[i].length && changes[i].address + j - from < length; j++)
        state[changes[i].address + j - from] = changes[i].after[j];
    if (!host_entry_follow(site, from, state, length, &plan->maps, &plan->text))
      return false;
  }
  for (size_t i = 0; i < count; i++)
    if (!patch_is_single_store(&changes[i]))          /* more states than are worth it */
      return false;
  return true;
}

/* Pages, by the low bits of their numbers, where entries that lean ever were: most code has none, and is not asked further. */
static uint64_t leaning_pages[PAGE_BITS / 64];

static unsigned page_bit(uintptr_t address)
{
  return (unsigned)(address / PAGE_SIZE % PAGE_BITS);
}

void leaning_note(const struct site *site)
{
  if (entry_is_punned(site))
    leaning_pages[page_bit(site_place(site)) / 64] |= UINT64_C(1) << page_bit(site_place(site)) % 64;
}

/* The site, standing or to stand, whose entry begins `back` bytes before `address` and leans on what is there; or NULL. */
static struct site *leaner(uintptr_t address, unsigned back)
{
  struct table_value found;
  struct site *site;

  if (!(leaning_pages[page_bit(address - back) / 64] & UINT64_C(1) << page_bit(address - back) % 64))
    return NULL;
  found = table_find(address - back);
  site = found.tag ? NULL : found.site;
  if (!site || !site->stub || !entry_is_punned(site) || host_entry_span(site) <= back || site->length > back)
    return NULL;
  return site_in_place(site) || site->going_live ? site : NULL;
}

static void make_trap(struct site *site)
{
  site->entry = SIGHOOK_ENTRY_TRAP;
  site->reason = REASON_LEANED_ON;
}

/* What is only planned: others may have been chosen since that lean on it, and on those again others. */
static void park_planned(struct site *site)
{
  uintptr_t lowest = site_place(site);

  make_trap(site);
  for (unsigned back = 1; back < LEAN_MAX; back++) {
    struct site *other = leaner(lowest, back);

    if (!other || site_in_place(other))
      continue;
    make_trap(other);
    lowest = site_place(other);
    back = 0;
  }
}

static sighook_status prepare(struct plan *plan, const struct change *changes, size_t count, size_t index, bool at_once,
                              bool *parked, struct error *error);

static sighook_status park(struct plan *plan, struct site *site, struct error *error)
{
  uint8_t before[HOST_ENTRY_MAX], after[HOST_ENTRY_MAX];
  struct change change = {.address = site_place(site), .length = site->length, .before = before, .after = after};
  struct site saved = *site;
  sighook_status status;

  if (!site_in_place(site)) {
    park_planned(site);
    return SIGHOOK_OK;
  }
  host_entry_bytes(site, before);
  make_trap(site);
  host_entry_bytes(site, after);
  status = prepare(plan, &change, 1, 0, true, &(bool){false}, error);   /* ends: who leans on it lies lower still */
  if (!status)
    status = traps_prepare_entry(site, error);
  if (!status)
    status = patch_apply(&plan->maps, &plan->text, &change, 1, NULL, error);
  if (status) {
    site->entry = saved.entry;
    site->reason = saved.reason;
  }
  return status;
}

/* Entries that are chosen in the same change see the new bytes; those that go with it go before, unless it is made at once. */
static bool needs_nothing(const struct site *site, uintptr_t changed, bool at_once)
{
  struct table_value found = table_find(changed);

  if (site->going_live)
    return found.site && !found.tag && found.site->going_live;
  return site->leaving && !at_once;
}

static sighook_status prepare(struct plan *plan, const struct change *changes, size_t count, size_t index, bool at_once,
                              bool *parked, struct error *error)
{
  const struct change *change = &changes[index];

  for (unsigned back = 1; back < LEAN_MAX; back++) {
    struct site *site = leaner(change->address, back);
    size_t first, together;
    sighook_status status;

    if (!site || needs_nothing(site, change->address, at_once))
      continue;
    if (!site->going_live) {
      together = leaned_on(site, changes, count, index, &first);
      if (together > 1 ? follows_each(site, changes + first, together, plan)
                       : follows(site, change, !patch_is_single_store(change), plan)) {
        site->fragile = true;          /* breakpoints beside the new bytes were not thought of */
        continue;
      }
    }
    *parked = true;
    status = park(plan, site, error);
    if (status)
      return status;
  }
  return SIGHOOK_OK;
}

sighook_status leaning_prepare(struct plan *plan, const struct change *changes, size_t count, size_t index, bool *parked,
                               struct error *error)
{
  return prepare(plan, changes, count, index, false, parked, error);
}

bool leaning_stands_on(uintptr_t address, size_t length, const struct site *except)
{
  for (size_t i = 0; i < length; i++)
    for (unsigned back = 1; back < LEAN_MAX; back++) {
      const struct site *site = leaner(address + i, back);

      if (site && site != except)
        return true;
    }
  return false;
}

bool leaning_holds(struct plan *plan, const struct site *site)
{
  uint8_t before[HOST_ENTRY_MAX];
  struct change change = {.address = site_place(site), .length = site->length, .before = before, .after = site->original + site->shift};

  host_entry_bytes(site, before);
  for (unsigned back = 1; back < LEAN_MAX; back++) {
    const struct site *other = leaner(change.address, back);

    if (other && !other->leaving &&
        (other->going_live || other->leads_on || !follows(other, &change, !patch_is_single_store(&change), plan)))
      return true;
  }
  return false;
}
