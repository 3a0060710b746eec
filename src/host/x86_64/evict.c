/* Entries that make another instruction give way: it gets a jump to its own displaced copy, wherever that leads being free, so that
 *
 *   - the site's pun fits, which leans on that jump: the next instruction, the victim (E9Patch's tactic T2); or
 *   - the site's short jump finds a second jump inside it: a long instruction nearby, the neighbour (T3). Both of its jumps lie in its
 *     own bytes, the second one in the displacement of the first.
 *
 * Padding behind a function, which nobody runs, also gives way to a trap instead, in the midst of the site's jump.
 *
 * Where an instruction begins there stands, at each moment, that instruction or a way to its displaced copy: so whoever is inside,
 * or comes by a branch that nobody knows of, is right. */
#include "host/x86_64/evict.h"

#include "codemem/landing.h"
#include "host/host.h"
#include "host/x86_64/cpu.h"
#include "isa/x86_64/evict.h"
#include "isa/x86_64/insn.h"
#include "isa/x86_64/pun.h"
#include "os/threads.h"

_Static_assert((int)X64_LEANED_MAX == (int)LANDING_OFFSETS_MAX, "as many as an eviction asks for");

enum { TRAPPING_TRIES = 256 };
enum { NEIGHBOUR_MIN = X64_JMP_LENGTH + 1, NEIGHBOUR_MAX = EVICT_INNER_LANDING };

static bool put_island(struct os_text *text, uintptr_t place, const struct site *site)
{
  return landing_put(text, place, site_gate(site)) == 0;
}

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

static void set_evicted(struct site *site, enum entry_reason reason, bool fragile)
{
  site->entry = SIGHOOK_ENTRY_EVICTED;
  site->reason = (uint8_t)reason;
  site->fragile = fragile;
}

static void set_giving_way(struct site *site, unsigned prefixes, uintptr_t place, unsigned inner)
{
  site->entry = SIGHOOK_ENTRY_PUNNED;
  site->reason = REASON_GIVES_WAY;
  site->prefixes = (uint8_t)prefixes;
  site->landing = place;
  site->inner = (uint8_t)inner;
}

/* ---- the victim ---- */

/* The islands of a site whose place is chosen: its own, and where breakpoints on what it leans on would lead. False where not even
 * the former can be had. */
static bool put_all(const struct entry_request *request, struct site *site, unsigned prefixes, uintptr_t place)
{
  size_t behind = site->address - request->site->address, at = site->length;
  bool complete = true;

  if (!put_island(request->text, place, site))
    return false;
  while (complete && at < prefixes + X64_JMP_LENGTH) {
    size_t length = x64_length(request->original + behind + at, request->readable - behind - at);

    complete = put_island(request->text, x64_pun_deflected(site->address, prefixes, place, (unsigned)at, host_trap[0]), site);
    at += length ? length : 1;
  }
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
  set_giving_way(victim, found->victim_prefixes, found->victim_place, 0);
  if (!put_all(request, site, found->prefixes, found->place))
    return false;
  site->prefixes = (uint8_t)found->prefixes;
  site->landing = found->place;
  set_evicted(site, REASON_EVICTS, site->fragile || victim->fragile);
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

  if (!request->look(request, site->address + site->length, &victim))
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
  set_evicted(site, REASON_EVICTS, !found.complete);
  return true;
}

/* ---- the neighbour ---- */

static bool evict_neighbour(const struct entry_request *request, uintptr_t address, unsigned inner, const struct x64_eviction *found)
{
  struct site *site = request->site, *neighbour = request->take(request, address);

  if (!neighbour || !put_island(request->text, found->place, neighbour) || !put_island(request->text, found->victim_place, site))
    return false;
  set_giving_way(neighbour, found->prefixes, found->place, inner);
  neighbour->fragile = false;
  neighbour->partner = (int8_t)(site->address - address);
  __builtin_memcpy(neighbour->original + EVICT_INNER_LANDING, &found->victim_place, sizeof found->victim_place);
  site->landing = found->victim_place;
  site->inner = (uint8_t)inner;
  site->partner = (int8_t)(address - site->address);
  set_evicted(site, REASON_NEIGHBOUR, false);
  return true;
}

/* Whether a short jump and the distances that sites keep reach there. */
static bool in_reach(const struct site *site, uintptr_t address, unsigned inner)
{
  intptr_t distance = (intptr_t)(address - site->address), jump = distance + (intptr_t)inner - SHORT_JUMP_LENGTH;

  return distance == (int8_t)distance && -distance == (int8_t)-distance && jump == (int8_t)jump;
}

/* Whoever runs a neighbour should come by the site as well, or nobody at all; else one of a function before will do, as long as it is
 * in no loop: what follows a site is a function that may be hot. */
enum nearness { NEAR_OWN, NEAR_BEFORE };

static bool may_give_way(const struct entry_request *request, uintptr_t address, const struct entry_victim *neighbour,
                         enum nearness nearness)
{
  bool own = neighbour->is_padding || (address >= request->function_start && address < request->function_end);

  if (neighbour->site || neighbour->is_head || neighbour->length < NEIGHBOUR_MIN || neighbour->length > NEIGHBOUR_MAX)
    return false;
  if (nearness == NEAR_OWN ? !own : own || address > request->site->address)
    return false;
  return neighbour->is_padding || !request->runs_apart(address, request->site->address);
}

static bool try_neighbour_at(const struct entry_request *request, uintptr_t address, enum nearness nearness)
{
  static const uint8_t nothing[NEIGHBOUR_MAX + X64_JMP_LENGTH];    /* all bytes that matter are the jumps' own */
  const struct x64_space space = {.find = find_place, .context = (void *)request};
  struct entry_victim neighbour;

  if (!request->look(request, address, &neighbour) || !may_give_way(request, address, &neighbour, nearness))
    return false;
  for (unsigned inner = 1; inner + X64_JMP_LENGTH <= neighbour.length; inner++) {
    struct x64_eviction_request wanted = {.address = address,
                                          .code = nothing,
                                          .readable = sizeof nothing,
                                          .length = inner,
                                          .victim_length = neighbour.length - inner,
                                          .span_max = neighbour.length,
                                          .prefixes_max = cpu_prefixes_max()};
    struct x64_eviction found;

    if (!in_reach(request->site, address, inner) || !x64_evict(&wanted, &space, false, &found))
      continue;
    if (!request->dry)
      return evict_neighbour(request, address, inner, &found);
    set_evicted(request->site, REASON_NEIGHBOUR, false);
    return true;
  }
  return false;
}

/* The nearest that can be had. */
static bool try_neighbour(const struct entry_request *request)
{
  const struct site *site = request->site;

  if (site->length < SHORT_JUMP_LENGTH)
    return false;
  for (enum nearness nearness = NEAR_OWN; nearness <= NEAR_BEFORE; nearness++)
    for (unsigned distance = site->length; distance < INT8_MAX; distance++)
      if (try_neighbour_at(request, site->address + distance, nearness) ||
          (distance >= NEIGHBOUR_MIN && try_neighbour_at(request, site->address - distance, nearness)))
        return true;
  return false;
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
  uintptr_t place;

  if (!request->look(request, site->address + site->length, &victim) || !victim.is_padding || victim.site ||
      site->length + victim.length < X64_JMP_LENGTH || !find_trapping(request, &place))
    return false;
  if (!request->dry) {
    padding = request->take(request, site->address + site->length);
    if (!padding || !put_island(request->text, place, site))
      return false;
    x64_pun_bytes(site->address, 0, place, jump);
    set_giving_way(padding, 0, 0, X64_JMP_LENGTH - site->length - 1u);
    padding->entry = SIGHOOK_ENTRY_TRAP;
    for (unsigned i = 0; i < padding->inner; i++)
      padding->landing |= (uintptr_t)jump[site->length + 1 + i] << (8 * i);
    site->landing = place;
  }
  set_evicted(site, REASON_EVICTS, false);
  return true;
}

void evict(const struct entry_request *request)
{
  struct site *site = request->site;
  enum entry_reason reason;

  if ((site->reason == REASON_NO_ROOM || site->reason == REASON_FRAGILE_TRACED) && try_next(request))
    return;
  reason = (enum entry_reason)site->reason;
  if (!try_padding(request) && !try_neighbour(request))
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
      (idle->inner || !evict_still_fits(idle, request->code + site->length, request->readable - site->length)))
    return false;
  host_entry_bytes(idle, entry);
  for (size_t i = 0; i < readable; i++)
    code[i] = request->code[i];
  for (size_t i = 0; i < idle->length && site->length + i < readable; i++)
    code[site->length + i] = entry[i];
  return evict_still_fits(site, code, readable);
}

static bool keeps_neighbour(const struct site *site, const struct site *idle)
{
  uintptr_t landing;

  __builtin_memcpy(&landing, idle->original + EVICT_INNER_LANDING, sizeof landing);
  return idle->inner == site->inner && idle->partner == -site->partner && landing == site->landing &&
         landing_at(landing) == landing && landing_at(idle->landing) == idle->landing;
}

bool evict_keeps(const struct entry_request *request)
{
  const struct site *site = request->site;
  uintptr_t other = site->address + (uintptr_t)(site->inner ? (intptr_t)site->partner : (intptr_t)site->length);
  struct entry_victim victim;

  if (!request->look(request, other, &victim) || !victim.idle || victim.idle->reason != REASON_GIVES_WAY ||
      !(site->inner ? keeps_neighbour(site, victim.idle) : keeps_next(request, victim.idle)))
    return false;
  return request->take(request, other) == victim.idle;
}
