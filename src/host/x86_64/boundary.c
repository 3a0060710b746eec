/* Entries that reach over the instructions behind the site: those run out of line, one from the other's stub, and what stands where
 * they began traps and leads to their stubs. So only what is reached by running on from the site, as far as is known, gives way so:
 * no branch's target, no return address. Padding behind a function, which nobody runs, does always. */
#include "host/x86_64/boundary.h"

#include "host/host.h"
#include "host/store.h"
#include "host/x86_64/cpu.h"
#include "host/x86_64/evict.h"
#include "isa/x86_64/boundary.h"
#include "isa/x86_64/insn.h"
#include "os/threads.h"

_Static_assert((int)X64_BOUNDARIES_MAX == (int)ENTRY_VICTIMS_MAX, "as many as give way");

/* What begins behind the site inside its longest jump. */
struct starts {
  uint8_t at[X64_BOUNDARIES_MAX];
  unsigned count;
  unsigned trapping;                    /* so many of the first may have traps in their place */
  unsigned everywhere;                  /* and so many of those, bytes that are no instruction */
  unsigned run;                         /* so many of the first are run: padding is not */
};

static bool decode(const struct entry_request *request, size_t at, struct x64_insn *insn)
{
  return x64_decode(request->original + at, request->readable - at, request->site->address + at, insn);
}

static bool is_filler(const struct entry_request *request, size_t at)
{
  return x64_filler(request->original + at, request->readable - at) != 0;
}

/* Whether the stub of the instruction at that offset, which is the site's or gives way too, goes on to the next one's: a call's
 * return address is in the code, and behind a jump there is what other jumps lead to; so there is behind what fills room. */
static bool runs_on(const struct entry_request *request, size_t at)
{
  struct x64_insn insn;

  if (!decode(request, at, &insn) || !insn.falls_through || is_filler(request, at))
    return false;
  return insn.kind == X64_ORDINARY || insn.kind == X64_JCC || insn.kind == X64_LOOP || insn.kind == X64_SYSCALL;
}

/* Whether nobody runs the instruction at `at`, which follows the one at `before`: inside functions too there is room to fill. */
static bool fills_room(const struct entry_request *request, size_t before, size_t at)
{
  struct x64_insn insn;

  return decode(request, before, &insn) && !insn.falls_through && is_filler(request, at);
}

/* Whether the instruction at `at`, which follows the one at `before`, may have a trap in its place. */
static bool may_trap(const struct entry_request *request, size_t before, size_t at)
{
  struct entry_victim victim;

  if (!request->look(request, request->site->address + at, &victim) || victim.site)
    return false;
  if (victim.is_padding)
    return true;
  if (victim.is_head || victim.is_target || host_insn_is_breakpoint(request->original + at))
    return false;
  return runs_on(request, before) || fills_room(request, before, at);
}

/* A late SIGILL is told from one of the program's by what stands there again: see trap.c. */
static bool is_everywhere(const struct entry_request *request, size_t at)
{
  return host_insn_is_everywhere(request->original + at, request->readable - at);
}

static unsigned prefixes_max(const struct entry_request *request)
{
  unsigned most = request->site->length - 1u;

  return most < cpu_prefixes_max() ? most : cpu_prefixes_max();
}

static void find_starts(const struct entry_request *request, struct starts *starts)
{
  size_t before = 0, at = request->site->length, end = prefixes_max(request) + (size_t)X64_JMP_LENGTH;

  *starts = (struct starts){0};
  for (; at < end && at < request->readable && starts->count < X64_BOUNDARIES_MAX; before = at, at = evict_next_start(request, at)) {
    if (starts->trapping == starts->count && may_trap(request, before, at)) {
      starts->everywhere += starts->everywhere == starts->trapping && is_everywhere(request, at);
      starts->run += runs_on(request, before);
      starts->trapping++;
    }
    starts->at[starts->count++] = (uint8_t)at;
  }
}

/* Whether the site's stub can go on to the next one's, which may lie in another arena. */
static bool can_lead_on(const struct site *site, const struct site *next)
{
  uint8_t bytes[HOST_BACK_LENGTH];

  return site->back_offset && host_store_fits(site->stub + site->back_offset + 1, sizeof bytes) &&
         host_stub_back(site, site_gate(next), bytes);
}

/* The victim at `at` keeps what of the jump stands in its place. */
static void lend(struct site *victim, const uint8_t *jump, size_t at, size_t end)
{
  size_t count = end - at < victim->length ? end - at : victim->length;

  victim->entry = SIGHOOK_ENTRY_TRAP;
  victim->reason = REASON_GIVES_WAY;
  victim->prefixes = 0;
  victim->fragile = false;
  victim->lent = (uint8_t)count;
  victim->landing = 0;
  for (size_t i = 0; i < count; i++)
    victim->landing |= (uintptr_t)jump[at + i] << (8 * i);
  victim->was_illegal |= jump[at] != host_trap[0];
}

static bool take_all(const struct entry_request *request, const struct x64_reach_request *wanted, uintptr_t place)
{
  uint8_t jump[X64_PREFIXES_MAX + X64_JMP_LENGTH];
  struct site *site = request->site;
  const struct site *before = site;

  x64_pun_bytes(site->address, wanted->prefixes, place, jump);
  for (unsigned i = 0; i < wanted->boundary_count; i++) {
    struct site *victim = request->take(request, site->address + wanted->starts[i]);

    if (!victim || (runs_on(request, before->address - site->address) && !can_lead_on(before, victim)))
      return false;
    lend(victim, jump, wanted->starts[i], wanted->prefixes + (size_t)X64_JMP_LENGTH);    /* it leans on the next one no more */
    before = victim;
  }
  return evict_put_island(request, place, site);
}

/* The kinds of traps inside the jump that somebody may meet. */
static unsigned inner_traps(const struct x64_reach_request *wanted, uintptr_t place, unsigned run)
{
  uint8_t jump[X64_PREFIXES_MAX + X64_JMP_LENGTH];
  unsigned kinds = 0;

  x64_pun_bytes(wanted->address, wanted->prefixes, place, jump);
  for (unsigned i = 0; i < wanted->boundary_count && i < run; i++)
    kinds |= jump[wanted->starts[i]] == host_trap[0] ? TRAP_BREAKPOINT : TRAP_ILLEGAL;
  return kinds;
}

/* Where the jump would lead should somebody change a byte at a start. */
static bool put_others(const struct entry_request *request, const struct x64_reach_request *wanted, uintptr_t place)
{
  uint8_t jump[X64_PREFIXES_MAX + X64_JMP_LENGTH];
  bool complete = true;

  x64_pun_bytes(wanted->address, wanted->prefixes, place, jump);
  for (unsigned i = 0; complete && i < wanted->start_count; i++) {
    uint8_t other = x64_other_at_start(wanted, jump, i);

    complete = evict_put_island(
        request, x64_pun_deflected(request->site->address, wanted->prefixes, place, wanted->starts[i], other), request->site);
  }
  return complete;
}

static bool try_prefixes(const struct entry_request *request, const struct starts *starts, unsigned prefixes, const uint8_t *traps,
                         unsigned trap_count)
{
  struct evict_seeker seeker = {.request = request};
  const struct x64_space space = {.find = evict_find_place, .context = &seeker};
  struct site *site = request->site;
  struct x64_reach_request wanted = {
      .address = site->address, .code = request->code, .prefixes = prefixes, .traps = traps, .trap_count = trap_count};
  unsigned end = prefixes + X64_JMP_LENGTH, trapping = trap_count > 1 ? starts->everywhere : starts->trapping;
  struct x64_reached found;

  while (wanted.start_count < starts->count && starts->at[wanted.start_count] < end) {
    wanted.starts[wanted.start_count] = starts->at[wanted.start_count];
    wanted.start_count++;
  }
  wanted.boundary_count = trapping < wanted.start_count ? trapping : wanted.start_count;
  if (!wanted.boundary_count || (wanted.boundary_count < wanted.start_count &&
                                 evict_meets_breakpoint(request, wanted.starts[wanted.boundary_count], end)))
    return false;
  if (!x64_reach_over(&wanted, &space, os_traced(), &found))
    return false;
  if (!request->dry) {
    if (!take_all(request, &wanted, found.place)) {
      request->give_back(request);
      return false;
    }
    found.complete = put_others(request, &wanted, found.place);
  }
  site->entry = SIGHOOK_ENTRY_EVICTED;
  site->reason = REASON_REACHES_OVER;
  site->prefixes = (uint8_t)prefixes;
  site->landing = found.place;
  site->fragile = !found.complete;
  site->inner_traps = inner_traps(&wanted, found.place, starts->run) & 3;
  return true;
}

static bool try_all_prefixes(const struct entry_request *request, const struct starts *starts, const uint8_t *traps,
                             unsigned trap_count)
{
  for (unsigned prefixes = 0; prefixes <= prefixes_max(request); prefixes++) {
    size_t span = prefixes + (size_t)X64_JMP_LENGTH;

    if (request->site->address + span > request->next_entry || span > request->readable)
      return false;
    if (try_prefixes(request, starts, prefixes, traps, trap_count))
      return true;
  }
  return false;
}

/* Breakpoints first: programs handle SIGILL more often than SIGTRAP. */
bool reach_over(const struct entry_request *request)
{
  const uint8_t *traps;
  unsigned count = cpu_trapping(&traps);
  struct starts starts;

  find_starts(request, &starts);
  if (!starts.trapping)
    return false;
  return try_all_prefixes(request, &starts, traps, 1) ||
         (count > 1 && starts.everywhere && try_all_prefixes(request, &starts, traps, count));
}
