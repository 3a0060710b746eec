/* Entries that make the next instruction, the victim, give way: it gets a jump to its own displaced copy, so chosen that the site's pun,
 * which leans on that jump, leads to free memory (E9Patch's tactic T2). Where that does not help either, the site's jump reaches over
 * instructions that move out altogether: traps inside of it stand where they began (boundary.c).
 *
 * Where an instruction begins there stands, at each moment, that instruction or a way to its displaced copy: so whoever is inside,
 * or comes by a branch that nobody knows of, is right. Each jump of the site's leads out of the code at once. A short jump to a second
 * one in an instruction nearby (T3) would not: a thread may stand between the two when they are taken away. */
#include "host/x86_64/evict.h"

#include "codemem/landing.h"
#include "host/host.h"
#include "host/x86_64/boundary.h"
#include "host/x86_64/cpu.h"
#include "isa/x86_64/evict.h"
#include "isa/x86_64/pun.h"
#include "os/threads.h"

_Static_assert((int)X64_LEANED_MAX == (int)LANDING_OFFSETS_MAX, "as many as an eviction asks for");

bool evict_find_place(void *context, enum x64_lander lander, const struct x64_wish *wish, uint64_t *place, bool *complete)
{
  const struct evict_seeker *seeker = context;
  struct landing_request landing = {.first = wish->window.first,
                                    .last = wish->window.last,
                                    .target = lander == X64_VICTIM ? seeker->victim_gate : site_gate(seeker->request->site),
                                    .offset_count = wish->offset_count};

  for (unsigned i = 0; i < wish->offset_count; i++)
    landing.offsets[i] = wish->offsets[i];
  return landing_find(seeker->request->maps, &landing, place, complete);
}

/* Both stubs will lie in one arena; only how far matters of the victim's, where it is not there yet. */
static uintptr_t victim_gate(const struct entry_request *request, const struct entry_victim *victim)
{
  const struct site *site = victim->site ? victim->site : victim->idle;

  return site ? site_gate(site) : site_gate(request->site) + 1;
}

static void set_evicted(struct site *site, bool fragile)
{
  site->entry = SIGHOOK_ENTRY_EVICTED;
  site->reason = REASON_EVICTS;
  site->fragile = fragile;
}

/* ---- the victim ---- */

/* The islands of a site whose place is chosen: its own, and where breakpoints on what it leans on would lead. False where not even
 * the former can be had. */
static bool put_all(const struct entry_request *request, struct site *site, unsigned prefixes, uintptr_t place)
{
  size_t behind = site->address - request->site->address, at = site->length;
  bool complete = true;

  if (!evict_put_island(request, place, site))
    return false;
  for (; complete && at < prefixes + X64_JMP_LENGTH; at = evict_next_start(request, behind + at) - behind)
    complete = evict_put_island(request, x64_pun_deflected(site->address, prefixes, place, (unsigned)at, host_trap[0]), site);
  site->fragile = !complete;
  return true;
}

/* The victim first: should islands be refused half way, it merely has an entry that nobody needed. */
static bool evict_next(const struct entry_request *request, const struct x64_eviction *found)
{
  struct site *site = request->site;
  struct site *victim = request->take(request, site->address + site->length);

  if (!victim || !put_all(request, victim, found->victim_prefixes, found->victim_place))
    return false;
  victim->entry = SIGHOOK_ENTRY_PUNNED;
  victim->reason = REASON_GIVES_WAY;
  victim->prefixes = (uint8_t)found->victim_prefixes;
  victim->landing = found->victim_place;
  victim->lent = 0;
  if (!put_all(request, site, found->prefixes, found->place))
    return false;
  site->prefixes = (uint8_t)found->prefixes;
  site->landing = found->place;
  set_evicted(site, site->fragile || victim->fragile);
  return true;
}

static bool try_next(const struct entry_request *request)
{
  struct evict_seeker seeker = {.request = request};
  const struct x64_space space = {.find = evict_find_place, .context = &seeker};
  struct site *site = request->site;
  uintptr_t known = request->next_entry - site->address;
  struct x64_eviction_request wanted = {.address = site->address,
                                        .code = request->code,
                                        .original = request->original,
                                        .readable = request->readable,
                                        .length = site->length,
                                        .span_max = known < request->readable ? (unsigned)known : (unsigned)request->readable,
                                        .prefixes_max = cpu_prefixes_max(),
                                        .victim_prefixes_max = cpu_prefixes_max()};
  struct entry_victim victim;
  struct x64_eviction found;

  if (!request->look(request, site->address + site->length, &victim) ||
      evict_meets_breakpoint(request, site->length, site->length + X64_PREFIXES_MAX + (size_t)X64_JMP_LENGTH))
    return false;
  if (victim.is_head) {
    site->reason = REASON_LOOP_HEAD;
    return false;
  }
  seeker.victim_gate = victim_gate(request, &victim);
  wanted.victim_length = victim.length;
  if (!x64_evict(&wanted, &space, os_traced(), &found))
    return false;
  if (!request->dry)
    return evict_next(request, &found);
  set_evicted(site, !found.complete);
  return true;
}

void evict(const struct entry_request *request)
{
  struct site *site = request->site;
  enum entry_reason reason;

  if ((site->reason == REASON_NO_ROOM || site->reason == REASON_FRAGILE_TRACED) && try_next(request))
    return;
  request->give_back(request);
  reason = (enum entry_reason)site->reason;
  if (reach_over(request))
    return;
  request->give_back(request);
  site->reason = (uint8_t)reason;
}

/* ---- as before ---- */

bool evict_still_fits(const struct site *site, const uint8_t *code, size_t readable)
{
  uint8_t jump[X64_PREFIXES_MAX + X64_JMP_LENGTH];
  unsigned span = site->prefixes + X64_JMP_LENGTH;

  if (span > readable || landing_at(site->landing) != site->landing)
    return false;
  x64_pun_bytes(site->address, site->prefixes, site->landing, jump);
  for (unsigned i = site->length; i < span; i++)
    if (jump[i] != code[i])
      return false;
  return true;
}

/* Writes what those that gave way had then over code[], which begins at the site; their count, 0 where one cannot be had again. */
static unsigned idle_victims(const struct entry_request *request, uint8_t *code, size_t readable, struct site *idle[ENTRY_VICTIMS_MAX])
{
  const struct site *site = request->site;
  size_t span = host_entry_span(site), at = site->length;
  struct entry_victim victim;
  unsigned count = 0;

  while (at < span && count < ENTRY_VICTIMS_MAX && request->look(request, site->address + at, &victim) && victim.idle &&
         victim.idle->reason == REASON_GIVES_WAY) {
    uint8_t entry[HOST_ENTRY_MAX];

    if (victim.idle->entry == SIGHOOK_ENTRY_PUNNED && !evict_still_fits(victim.idle, code + at, readable - at))
      return 0;
    host_entry_bytes(victim.idle, entry);
    for (size_t i = 0; i < victim.length && at + i < readable; i++)
      code[at + i] = entry[i];
    idle[count++] = victim.idle;
    at += victim.length;
    if (!site_is_boundary(victim.idle))
      break;
  }
  return count;
}

bool evict_keeps(const struct entry_request *request)
{
  uint8_t code[2 * HOST_ENTRY_MAX];
  size_t readable = request->readable < sizeof code ? request->readable : sizeof code;
  struct site *idle[ENTRY_VICTIMS_MAX];
  unsigned count, taken = 0;

  for (size_t i = 0; i < readable; i++)
    code[i] = request->code[i];
  count = idle_victims(request, code, readable, idle);
  if (!count || !evict_still_fits(request->site, code, readable))
    return false;
  while (taken < count && request->take(request, idle[taken]->address) == idle[taken])
    taken++;
  if (taken < count)
    request->give_back(request);
  return taken == count;
}
