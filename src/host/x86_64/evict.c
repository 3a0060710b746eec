/* Entries that make the next instruction, the victim, give way: it gets a jump to its own displaced copy, so chosen that the site's pun,
 * which leans on that jump, leads to free memory (E9Patch's tactic T2). Padding behind a function, which nobody runs, may get a trap
 * instead, in the midst of the site's jump.
 *
 * Where an instruction begins there stands, at each moment, that instruction or a way to its displaced copy: so whoever is inside,
 * or comes by a branch that nobody knows of, is right. Each jump of the site's leads out of the code at once. A short jump to a second
 * one in an instruction nearby (T3) would not: a thread may stand between the two when they are taken away. */
#include "host/x86_64/evict.h"

#include "codemem/landing.h"
#include "host/host.h"
#include "host/x86_64/cpu.h"
#include "isa/x86_64/evict.h"
#include "isa/x86_64/pun.h"
#include "os/threads.h"

_Static_assert((int)X64_LEANED_MAX == (int)LANDING_OFFSETS_MAX, "as many as an eviction asks for");

enum { TRAPPING_TRIES = 256 };

static bool find_place(void *context, enum x64_lander lander, const struct x64_wish *wish, uint64_t *place, bool *complete)
{
  const struct entry_request *request = context;
  /* Both stubs will lie in one arena; only how far matters of the victim's, which is not there yet. */
  struct landing_request landing = {.first = wish->window.first,
                                    .last = wish->window.last,
                                    .target = site_gate(request->site) + (lander == X64_VICTIM),
                                    .offset_count = wish->offset_count};

  for (unsigned i = 0; i < wish->offset_count; i++)
    landing.offsets[i] = wish->offsets[i];
  return landing_find(request->maps, &landing, place, complete);
}

static void set_evicted(struct site *site, bool fragile)
{
  site->entry = SIGHOOK_ENTRY_EVICTED;
  site->reason = REASON_EVICTS;
  site->fragile = fragile;
}

static void set_giving_way(struct site *site, sighook_entry entry, unsigned prefixes, uintptr_t landing, unsigned behind_trap)
{
  site->entry = (uint8_t)entry;
  site->reason = REASON_GIVES_WAY;
  site->prefixes = (uint8_t)prefixes;
  site->landing = landing;
  site->behind_trap = (uint8_t)behind_trap;
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
  set_giving_way(victim, SIGHOOK_ENTRY_PUNNED, found->victim_prefixes, found->victim_place, 0);
  if (!put_all(request, site, found->prefixes, found->place))
    return false;
  site->prefixes = (uint8_t)found->prefixes;
  site->landing = found->place;
  set_evicted(site, site->fragile || victim->fragile);
  return true;
}

static bool try_next(const struct entry_request *request)
{
  const struct x64_space space = {.find = find_place, .context = (void *)request};
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
  wanted.victim_length = victim.length;
  if (!x64_evict(&wanted, &space, os_traced(), &found))
    return false;
  if (!request->dry)
    return evict_next(request, &found);
  set_evicted(site, !found.complete);
  return true;
}

/* ---- padding ---- */

/* A place for a jump whose displacement reads as the breakpoint where the padding begins. */
static bool find_trapping(const struct entry_request *request, uintptr_t *place)
{
  const struct site *site = request->site;
  unsigned boundary = 8 * (site->length - 1u);

  for (uint32_t i = 1; i <= TRAPPING_TRIES; i++) {
    uint32_t displacement = i * UINT32_C(0x9E3779B1);      /* odd: each value once, spread evenly */
    struct x64_window window;
    struct landing_request landing = {.target = site_gate(site)};
    uint8_t code[X64_JMP_LENGTH] = {0};
    bool complete;

    displacement = (displacement & ~(UINT32_C(0xFF) << boundary)) | (uint32_t)host_trap[0] << boundary;
    for (unsigned j = 1; j < sizeof code; j++)
      code[j] = (uint8_t)(displacement >> (8 * (j - 1)));
    if (!x64_pun_window(site->address, 1, 0, code, &window))
      continue;
    landing.first = landing.last = window.first;
    if (landing_find(request->maps, &landing, place, &complete))
      return true;
  }
  return false;
}

static bool try_padding(const struct entry_request *request)
{
  struct site *site = request->site, *padding;
  struct entry_victim victim;
  uint8_t jump[X64_JMP_LENGTH];
  uintptr_t place, rest = 0;

  if (!request->look(request, site->address + site->length, &victim) || !victim.is_padding || victim.site ||
      site->length + victim.length < X64_JMP_LENGTH || !find_trapping(request, &place))
    return false;
  if (!request->dry) {
    padding = request->take(request, site->address + site->length);
    if (!padding || !evict_put_island(request, place, site))
      return false;
    x64_pun_bytes(site->address, 0, place, jump);
    for (unsigned i = site->length + 1u; i < X64_JMP_LENGTH; i++)
      rest |= (uintptr_t)jump[i] << (8 * (i - site->length - 1));
    set_giving_way(padding, SIGHOOK_ENTRY_TRAP, 0, rest, X64_JMP_LENGTH - site->length - 1u);
    site->landing = place;
  }
  set_evicted(site, false);
  return true;
}

void evict(const struct entry_request *request)
{
  struct site *site = request->site;
  enum entry_reason reason;

  if ((site->reason == REASON_NO_ROOM || site->reason == REASON_FRAGILE_TRACED) && try_next(request))
    return;
  reason = (enum entry_reason)site->reason;
  if (!try_padding(request))
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

static bool keeps_next(const struct entry_request *request, const struct site *idle)
{
  const struct site *site = request->site;
  uint8_t code[2 * HOST_ENTRY_MAX], entry[HOST_ENTRY_MAX];
  size_t readable = request->readable < sizeof code ? request->readable : sizeof code;

  if (idle->entry == SIGHOOK_ENTRY_PUNNED &&
      !evict_still_fits(idle, request->code + site->length, request->readable - site->length))
    return false;
  host_entry_bytes(idle, entry);
  for (size_t i = 0; i < readable; i++)
    code[i] = request->code[i];
  for (size_t i = 0; i < idle->length && site->length + i < readable; i++)
    code[site->length + i] = entry[i];
  return evict_still_fits(site, code, readable);
}

bool evict_keeps(const struct entry_request *request)
{
  uintptr_t next = request->site->address + request->site->length;
  struct entry_victim victim;

  return request->look(request, next, &victim) && victim.idle && victim.idle->reason == REASON_GIVES_WAY &&
         keeps_next(request, victim.idle) && request->take(request, next) == victim.idle;
}
