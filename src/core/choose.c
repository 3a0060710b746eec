/* Between the transaction and the host's choice: code as it will stand, and victims. */
#include "core/choose.h"

#include "core/examine.h"
#include "core/hook.h"
#include "core/leaning.h"
#include "host/entry.h"
#include "host/host.h"
#include "table/table.h"

enum { SEEN = 32 };

struct chooser {
  struct entry_request request;      /* first: the host passes it back */
  struct plan *plan;
  struct examination found;          /* of the victim looked at last */
  struct site *taken;
  bool was_going;                    /* before it was taken */
};

/* What stands from `place` on, with what this change has chosen so far. */
static size_t read_planned(struct plan *plan, uintptr_t place, uint8_t bytes[SEEN])
{
  size_t length = plan_read(plan, place, bytes, SEEN);

  for (size_t i = 1; i < length; i++) {
    struct table_value found = table_find(place + i);
    uint8_t entry[HOST_ENTRY_MAX];
    size_t offset;

    if (!found.site || found.tag || !found.site->going_live || site_in_place(found.site))
      continue;
    host_entry_bytes(found.site, entry);
    offset = site_place(found.site) - place;
    for (unsigned j = 0; j < found.site->length && offset + j < length; j++)
      bytes[offset + j] = entry[j];
  }
  return length;
}

/* Hooks may ask for an entry that is not to be changed for another's sake. */
static bool gives_way(const struct site *site)
{
  for (const struct hook *hook = site->hooks; hook; hook = hook->next)
    if (hook->flags & (SIGHOOK_FORCE_TRAP | SIGHOOK_NO_PUN))
      return false;
  return true;
}

/* A stub that begins by its path costs least while no hook is there. */
static sighook_spec victim_spec(uintptr_t address)
{
  return (sighook_spec){.kind = SIGHOOK_REPLACE, .address = address};
}

static bool look_at_victim(const struct entry_request *request, uintptr_t address, struct entry_victim *victim)
{
  struct chooser *chooser = (struct chooser *)request;
  struct examination *found = &chooser->found;
  struct table_value known = table_find(address);
  sighook_spec spec = victim_spec(address);
  struct error ignored;

  *victim = (struct entry_victim){0};
  if (known.site && !known.tag && known.site->going_live) {
    victim->site = known.site;
    if (!gives_way(known.site) || known.site->behind_trap)      /* the latter serves another already */
      return false;
  } else if (site_covering(address)) {
    return false;                    /* in place, its bytes stay */
  }
  if (examine(chooser->plan, address, 0, found, &ignored) || !found->known_start || found->interior_target || found->shift ||
      leaning_stands_on(address, found->length, request->site))
    return false;
  if (!victim->site)
    victim->idle = site_find(&spec, found);
  victim->length = found->length;
  victim->is_head = found->is_head;
  victim->is_padding = found->is_padding;
  return true;
}

static struct site *take_victim(const struct entry_request *request, uintptr_t address)
{
  struct chooser *chooser = (struct chooser *)request;
  sighook_spec spec = victim_spec(address);
  struct error ignored;
  struct site *site;

  if (site_find_or_make(chooser->plan, &spec, &chooser->found, &site, &ignored))
    return NULL;
  if (chooser->taken && chooser->taken != site && !chooser->was_going)
    chooser->taken->going_live = false;   /* it was of no use */
  chooser->was_going = chooser->taken == site ? chooser->was_going : site->going_live;
  site->going_live = true;
  chooser->taken = site;
  return site;
}

static void choose(struct chooser *chooser, struct plan *plan, struct site *site, const struct choice *choice, bool dry)
{
  uint8_t code[SEEN], original[SEEN];

  *chooser = (struct chooser){.request = {.site = site,
                                          .code = code,
                                          .original = original,
                                          .next_entry = choice->next_entry,
                                          .function_end = choice->function_end,
                                          .interior_target = choice->interior_target,
                                          .flags = choice->flags,
                                          .dry = dry,
                                          .maps = &plan->maps,
                                          .text = &plan->text,
                                          .look = look_at_victim,
                                          .take = take_victim},
                              .plan = plan};
  if (site->length < HOST_BRANCH_LENGTH) {            /* else nothing leans on anything */
    chooser->request.readable = read_planned(plan, site_place(site), code);
    plan_read_original(plan, site_place(site), original, chooser->request.readable);
  }
  host_choose_entry(&chooser->request);
}

struct site *choose_entry(struct plan *plan, struct site *site, const struct choice *choice)
{
  struct chooser chooser;

  choose(&chooser, plan, site, choice, false);
  if (chooser.taken && site->entry != SIGHOOK_ENTRY_EVICTED && !chooser.was_going) {
    chooser.taken->going_live = false;
    return NULL;
  }
  return chooser.taken;
}

void choose_dry(struct plan *plan, struct site *draft, const struct choice *choice)
{
  struct chooser chooser;

  choose(&chooser, plan, draft, choice, true);
}
