#include "invariant.h"

#include <stdio.h>
#include <string.h>
#include "codemem/arena.h"
#include "codemem/landing.h"
#include "core/hook.h"
#include "host/entry.h"
#include "host/host.h"
#include "host/x86_64/cpu.h"
#include "isa/x86_64/insn.h"
#include "isa/x86_64/relocate.h"
#include "table/table.h"

enum { COMPLAINTS_MAX = 20, LOOK = 24, FAR_JUMP_LENGTH = 6 };

static const char *const no_jump = "no jump stands there";

static void complain(unsigned long *count, const struct code *code, uintptr_t address, const char *what)
{
  if ((*count)++ >= COMPLAINTS_MAX)
    return;
  fprintf(stderr, "%s+%#lx: %s; reads", code->library.name, address - code->library.table.low, what);
  for (unsigned i = 0; i < 10; i++)
    fprintf(stderr, " %02x", ((const volatile uint8_t *)address)[i]);
  fprintf(stderr, ", was");
  for (unsigned i = 0; i < 10; i++)
    fprintf(stderr, " %02x", code_original(code, address)[i]);
  fprintf(stderr, "\n");
}

/* Where a jump of ours outside the program's code leads: an island. */
static const char *pass_island(uintptr_t at, uintptr_t *target)
{
  static const uint8_t far_jump[FAR_JUMP_LENGTH] = {0xFF, 0x25};
  struct x64_insn insn;

  if (landing_at(at) != at)
    return "a jump leads to where no island begins";
  if (memcmp((const void *)at, far_jump, sizeof far_jump) == 0) {
    memcpy(target, (const void *)(at + sizeof far_jump), sizeof *target);
    return NULL;
  }
  if (!x64_decode((const void *)at, X64_INSN_MAX, at, &insn) || insn.kind != X64_JMP)
    return "an island is no jump";
  *target = insn.target;
  return NULL;
}

/* Branches may save the stub's first jump. */
static bool leads_past_gate(const struct site *site, uintptr_t target)
{
  return site->entry == SIGHOOK_ENTRY_BRANCH && site->landing == target &&
         (target == host_path(site, PART_DISPLACED) || (site->count_offset && target == host_path(site, PART_COUNT)));
}

/* Where the jump in bytes[], which stands at `at`, leads in the end: the gate of the site found. */
static const char *follow(const struct code *code, const uint8_t *bytes, uintptr_t at, struct site **site)
{
  struct x64_insn insn;
  const char *wrong = NULL;
  uintptr_t target;

  if (!x64_decode(bytes, LOOK, at, &insn) || insn.kind != X64_JMP)
    return no_jump;
  target = insn.target;
  if (target >= code->low && target < code->high)
    return "the jump leads into the code";
  if (!arena_site_at(target))
    wrong = pass_island(target, &target);
  *site = arena_site_at(target);
  if (!wrong && (!*site || (target != site_gate(*site) && !leads_past_gate(*site, target))))
    wrong = "the way does not end at a stub's gate";
  return wrong;
}

/* Where the stub's jump behind the instruction leads instead, if a trap stands there: to the next one's gate. */
static const char *lead_on(const struct site *site, struct x64_displaced *displaced)
{
  const struct site *next = table_find(site->address + site->length).site;

  if (!site->leads_on)
    return NULL;
  if (!next || !site_in_place(next) || !site_is_boundary(next))
    return "the stub goes on to a boundary that is none";
  host_stub_back(site, site_gate(next), displaced->bytes + displaced->back_offset + 1);
  return NULL;
}

/* The stub's displaced part is what the relocator makes of the instruction, and a site without hooks leads there. */
static const char *check_stub(const struct code *code, const struct site *site, uintptr_t address)
{
  const uint8_t *original = code_original(code, address);
  struct x64_displaced displaced;
  uintptr_t copy = site->stub + site->displaced_offset;
  const char *wrong;

  if (site->address != address)
    return "the way leads to another instruction's stub";
  if (memcmp(site->original, original, site->length) != 0 || site->length != x64_length(original, X64_INSN_MAX))
    return "the site has other bytes for the original ones";
  if (x64_relocate(original, site->length, address, copy, &displaced) != X64_RELOCATED)
    return "the instruction cannot be relocated";
  if ((wrong = lead_on(site, &displaced)))
    return wrong;
  if (memcmp((const void *)copy, displaced.bytes, displaced.length) != 0)
    return "the stub does not end in the displaced instruction";
  if (table_find(address).site != site)
    return "the table has another site";
  if (!site_in_place(site))
    return "the site is said to be idle";
  if (!site->hooks && (site->by_path ? site->path != copy : site->action != NO_ACTION))
    return "a site without hooks does not lead to the displaced instruction";
  return NULL;
}

/* Somebody else's breakpoint, wherever the entry leans on an instruction's first byte, must still let it lead to its stub. */
static void check_breakpoints(const struct code *code, const struct site *site, struct tally *tally)
{
  uintptr_t end = site->address + host_entry_span(site);

  for (uint32_t i = code_index(code, site->address + site->length); i < code->count; i++) {
    uintptr_t leaned = code->low + code->starts[i];
    uint8_t bytes[LOOK];
    struct site *found;

    if (leaned >= end)
      break;
    memcpy(bytes, (const void *)site->address, sizeof bytes);
    bytes[leaned - site->address] = 0xCC;
    tally->breakpoints++;
    if (follow(code, bytes, site->address, &found) || found != site)
      complain(&tally->brittle, code, site->address, "somebody else's breakpoint would break the entry, and it does not tell");
  }
}

static void count_entry(struct tally *tally, const struct site *site)
{
  switch ((sighook_entry)site->entry) {
  case SIGHOOK_ENTRY_BRANCH:
    tally->branches++;
    break;
  case SIGHOOK_ENTRY_PUNNED:
    tally->puns++;
    break;
  case SIGHOOK_ENTRY_EVICTED:
    tally->evictions++;
    break;
  case SIGHOOK_ENTRY_TRAP:
    tally->traps++;
    break;
  case SIGHOOK_ENTRY_NONE:
    break;
  }
  tally->hookless += !site->hooks;
  tally->fragile += site->fragile;
}

/* Whether the byte traps whatever follows it: a breakpoint, or at a boundary what is no instruction on this CPU. */
static bool traps_at(const struct site *site, uint8_t byte)
{
  const uint8_t *traps;
  unsigned count = cpu_trapping(&traps);

  for (unsigned i = 0; i < (site && site_is_boundary(site) ? count : 1); i++)
    if (byte == traps[i])
      return true;
  return false;
}

static void check_one(const struct code *code, uintptr_t address, struct tally *tally)
{
  const uint8_t *original = code_original(code, address);
  size_t length = x64_length(original, X64_INSN_MAX);
  struct table_value known = table_find(address);
  struct site *site = NULL;
  const char *wrong = NULL;
  uint8_t bytes[LOOK];

  memcpy(bytes, (const void *)address, sizeof bytes);
  if (memcmp(bytes, original, length) == 0) {
    tally->unchanged++;
    if (known.site && !known.tag && known.site->stub && known.site->address == address && site_in_place(known.site))
      complain(&tally->broken, code, address, "the program's own bytes stand at a site in place");
    return;
  }
  if (traps_at(known.site, bytes[0]))
    site = known.tag ? NULL : known.site;
  else
    wrong = follow(code, bytes, address, &site);
  if (!wrong)
    wrong = site ? check_stub(code, site, address) : "nobody knows of the trap";
  if (wrong) {
    complain(&tally->broken, code, address, wrong);
    return;
  }
  count_entry(tally, site);
  if (!site->fragile && entry_is_punned(site))
    check_breakpoints(code, site, tally);
}

void invariant_check(const struct code *code, uintptr_t from, uintptr_t to, struct tally *tally)
{
  for (uint32_t i = code_index(code, from); i < code->count && code->low + code->starts[i] < to; i++)
    check_one(code, code->low + code->starts[i], tally);
}
