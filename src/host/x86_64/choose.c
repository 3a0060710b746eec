/* Which entry an x86-64 site gets: a jump where the instruction has room for it, else a punned jump to an island, wide windows
 * first, else one that makes another instruction give way (evict.c), else a trap. */
#include <errno.h>
#include "codemem/landing.h"
#include "host/entry.h"
#include "host/host.h"
#include "host/x86_64/cpu.h"
#include "host/x86_64/evict.h"
#include "isa/x86_64/insn.h"
#include "isa/x86_64/pun.h"
#include "os/threads.h"

enum { PUT_TRIES = 8 };

size_t evict_next_start(const struct entry_request *request, size_t at)
{
  size_t length = x64_length(request->original + at, request->readable - at);

  return at + (length ? length : 1);
}

/* Offsets from the site of the instructions that a pun with `prefixes` leans on. */
static unsigned leaned_starts(const struct entry_request *request, unsigned prefixes, unsigned starts[LANDING_OFFSETS_MAX])
{
  unsigned count = 0;

  for (size_t at = request->site->length; at < prefixes + X64_JMP_LENGTH && count < LANDING_OFFSETS_MAX;
       at = evict_next_start(request, at))
    starts[count++] = (unsigned)at;
  return count;
}

bool evict_meets_breakpoint(const struct entry_request *request, size_t from, size_t to)
{
  uintptr_t end = request->function_end ? request->function_end : UINTPTR_MAX;

  for (size_t at = from; at < to && at < request->readable; at = evict_next_start(request, at))
    if (request->original[at] == host_trap[0] &&
        (request->site->address + at < end || request->is_foreign(request, request->site->address + at)))
      return true;
  return false;
}

bool evict_put_island(const struct entry_request *request, uintptr_t place, const struct site *site)
{
  return request->dry || landing_put(request->text, place, site_gate(site)) == 0;
}

/* The places where a breakpoint on an instruction leaned on would send the jump get islands too. */
static bool put_islands(const struct entry_request *request, const struct landing_request *landing, uintptr_t place,
                        bool complete)
{
  if (!evict_put_island(request, place, request->site))
    return false;
  for (unsigned i = 0; complete && i < landing->offset_count; i++)
    complete = evict_put_island(request, place + (uintptr_t)landing->offsets[i], request->site);
  request->site->fragile = !complete;
  request->site->landing = place;
  return true;
}

static bool try_pun(const struct entry_request *request, unsigned prefixes)
{
  struct site *site = request->site;
  struct landing_request landing = {.target = site_gate(site)};
  struct x64_window window;
  unsigned starts[LANDING_OFFSETS_MAX];
  uintptr_t place;
  bool complete;

  if (!x64_pun_window(site->address, site->length, prefixes, request->code, &window))
    return false;
  landing.first = window.first;
  landing.last = window.last;
  landing.offset_count = leaned_starts(request, prefixes, starts);
  for (unsigned i = 0; i < landing.offset_count; i++)
    landing.offsets[i] = (intptr_t)(x64_pun_deflected(site->address, prefixes, window.first, starts[i], host_trap[0]) - window.first);
  for (unsigned i = 0; i < PUT_TRIES && landing_find(request->maps, &landing, &place, &complete); i++) {
    if (!complete && os_traced()) {
      site->reason = REASON_FRAGILE_TRACED;
      return false;
    }
    if (put_islands(request, &landing, place, complete)) {
      site->entry = SIGHOOK_ENTRY_PUNNED;
      site->prefixes = (uint8_t)prefixes;
      site->reason = REASON_SHORT;
      return true;
    }
    landing.first = place + 1;
  }
  return false;
}

static void choose_short(const struct entry_request *request)
{
  struct site *site = request->site;

  site->reason = REASON_NO_ROOM;
  for (unsigned prefixes = 0; prefixes < site->length && prefixes <= cpu_prefixes_max(); prefixes++) {
    unsigned span = prefixes + X64_JMP_LENGTH;

    if (site->address + span > request->next_entry) {
      site->reason = prefixes ? site->reason : REASON_NEXT_ENTRY;
      break;
    }
    if (span > request->readable) {
      site->reason = prefixes ? site->reason : REASON_UNREADABLE;
      break;
    }
    if (!evict_meets_breakpoint(request, site->length, span) && try_pun(request, prefixes))
      return;
  }
  evict(request);
  if (site->reason == REASON_NO_ROOM && landing_is_full())
    site->reason = REASON_NO_MAPPINGS;
}

/* As before, since toggling a hook must not use up islands. */
static bool keeps(const struct entry_request *request)
{
  const struct site *site = request->site;

  if (request->dry || site->length >= X64_JMP_LENGTH || request->interior_target ||
      (request->flags & (SIGHOOK_FORCE_TRAP | SIGHOOK_NO_PUN)) || (site->fragile && os_traced()))
    return false;
  if (site->entry == SIGHOOK_ENTRY_PUNNED)
    return evict_still_fits(site, request->code, request->readable);
  return site->entry == SIGHOOK_ENTRY_EVICTED && evict_keeps(request);
}

void host_choose_entry(const struct entry_request *request)
{
  struct site *site = request->site;

  if (keeps(request))
    return;

  site->entry = SIGHOOK_ENTRY_TRAP;
  site->fragile = false;
  site->prefixes = 0;
  site->landing = 0;
  site->lent = 0;
  site->inner_traps = 0;
  if (request->flags & SIGHOOK_FORCE_TRAP) {
    site->reason = REASON_FORCED;
  } else if (request->interior_target) {
    site->reason = REASON_INTERIOR_TARGET;
  } else if (site->length >= X64_JMP_LENGTH) {
    site->entry = SIGHOOK_ENTRY_BRANCH;
    site->reason = REASON_NONE;
  } else if (request->flags & SIGHOOK_NO_PUN) {
    site->reason = REASON_NO_PUN;
  } else {
    choose_short(request);
  }
}

bool host_entry_follow(const struct site *site, uintptr_t changed, const uint8_t *after, size_t length, struct os_maps *maps,
                       struct os_text *text)
{
  uint8_t jump[X64_PREFIXES_MAX + X64_JMP_LENGTH];
  struct landing_request landing = {.target = site_gate(site)};
  unsigned span = site->prefixes + X64_JMP_LENGTH;
  uint32_t displacement = 0;
  bool complete;

  x64_pun_bytes(site->address, site->prefixes, site->landing, jump);
  for (unsigned i = site->length; i < span; i++)   /* others behind the site may have changed since it was chosen */
    jump[i] = ((const volatile uint8_t *)site->address)[i];
  for (size_t i = 0; i < length; i++)
    if (changed + i >= site->address && changed + i < site->address + span)
      jump[changed + i - site->address] = after[i];
  for (unsigned i = 0; i < 4; i++)
    displacement |= (uint32_t)jump[site->prefixes + 1 + i] << (8 * i);
  landing.first = landing.last = site->address + span + (uint64_t)(int64_t)(int32_t)displacement;
  return landing_find(maps, &landing, &landing.first, &complete) && landing_put(text, landing.first, site_gate(site)) == 0;
}
