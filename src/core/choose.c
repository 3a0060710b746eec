/* Between the transaction and the host's choice: code as it will stand, and victims. */
#include "core/choose.h"

#include "core/examine.h"
#include "core/hook.h"
#include "core/leaning.h"
#include "host/entry.h"
#include "host/host.h"
#include "resolve/codemap.h"
#include "table/table.h"

enum { SEEN = 32 };

struct chooser {
  struct entry_request request;      /* first: the host passes it back */
  struct plan *plan;
  struct examination found;          /* of the victim looked at last */
  uintptr_t found_at;
  struct victims *victims;
  unsigned room;                     /* no more are to be taken */
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

static bool is_foreign(const struct entry_request *request, uintptr_t address)
{
  uint8_t own[HOST_TRAP_LENGTH];

  return plan_breakpoint_hides(((struct chooser *)request)->plan, address, own);
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
  chooser->found_at = 0;
  if (known.site && !known.tag && known.site->going_live) {
    victim->site = known.site;
    if (!gives_way(known.site) || known.site->lent)      /* the latter serves another already */
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
  chooser->found_at = address;
  victim->is_head = found->is_head && codemap_is_loop(address);
  victim->is_target = found->is_target;
  victim->is_padding = found->is_padding;
  return true;
}

/* One that goes live for hooks of its own may have another entry now, so it stays listed. */
static void give_back(const struct entry_request *request)
{
  struct victims *victims = ((struct chooser *)request)->victims;
  unsigned kept = 0;

  for (unsigned i = 0; i < victims->count; i++)
    if (victims->sites[i]->hooks)
      victims->sites[kept++] = victims->sites[i];
    else
      victims->sites[i]->going_live = false;
  victims->count = kept;
}

static struct site *take_victim(const struct entry_request *request, uintptr_t address)
{
  struct chooser *chooser = (struct chooser *)request;
  struct victims *victims = chooser->victims;
  sighook_spec spec = victim_spec(address);
  struct entry_victim ignored_too;
  struct error ignored;
  struct site *site;

  if (victims->count >= chooser->room || victims->count == VICTIMS_LISTED ||
      (chooser->found_at != address && !look_at_victim(request, address, &ignored_too)) ||
      site_find_or_make(chooser->plan, &spec, &chooser->found, &site, &ignored))
    return NULL;
  victims->sites[victims->count++] = site;
  site->going_live = true;
  return site;
}

static void choose(struct chooser *chooser, struct plan *plan, struct site *site, const struct choice *choice, bool dry)
{
  uint8_t code[SEEN], original[SEEN];

  chooser->plan = plan;
  chooser->found_at = 0;
  chooser->victims->count = 0;
  chooser->request = (struct entry_request){.site = site,
                                            .code = code,
                                            .original = original,
                                            .next_entry = choice->next_entry,
                                            .function_end = choice->function_end,
                                            .interior_target = choice->interior_target,
                                            .flags = choice->flags,
                                            .dry = dry,
                                            .maps = &plan->maps,
                                            .text = &plan->text,
                                            .is_foreign = is_foreign,
                                            .look = look_at_victim,
                                            .take = take_victim,
                                            .give_back = give_back};
  if (site->length < HOST_BRANCH_LENGTH) {            /* else nothing leans on anything */
    chooser->request.readable = read_planned(plan, site_place(site), code);
    plan_read_original(plan, site_place(site), original, chooser->request.readable);
  }
  host_choose_entry(&chooser->request);
}

void choose_entry(struct plan *plan, struct site *site, const struct choice *choice, unsigned room, struct victims *victims)
{
  struct chooser chooser;

  chooser.victims = victims;
  chooser.room = room;
  choose(&chooser, plan, site, choice, false);
  if (site->entry != SIGHOOK_ENTRY_EVICTED)
    give_back(&chooser.request);
}

void choose_dry(struct plan *plan, struct site *draft, const struct choice *choice)
{
  struct victims none;
  struct chooser chooser;

  chooser.victims = &none;
  chooser.room = 0;
  choose(&chooser, plan, draft, choice, true);
}
