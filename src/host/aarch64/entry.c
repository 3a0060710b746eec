/* Entries of AArch64: one word each, a branch to the stub or a breakpoint. */
#include "host/entry.h"
#include "host/host.h"
#include "host/aarch64/layout.h"
#include "isa/aarch64/encode.h"
#include "isa/aarch64/insn.h"
#include "os/memory.h"

const uint8_t host_trap[HOST_TRAP_LENGTH] = {BREAK_ENTRY << 5 & 0xE0, BREAK_ENTRY >> 3 & 0xFF, 0x20 | BREAK_ENTRY >> 11, 0xD4};

static void put_word(uint8_t *bytes, uint32_t word)
{
  for (unsigned i = 0; i < sizeof word; i++)
    bytes[i] = (uint8_t)(word >> (8 * i));
}

static bool reaches(uintptr_t from, uintptr_t to)
{
  intptr_t distance = (intptr_t)(to - from);

  return distance >= -A64_B_REACH && distance < A64_B_REACH;
}

void host_entry_bytes(const struct site *site, uint8_t bytes[HOST_ENTRY_MAX])
{
  if (site->entry == SIGHOOK_ENTRY_BRANCH)
    put_word(bytes, a64_encode_b(site_place(site), site->landing ? site->landing : site_gate(site)));
  else
    put_word(bytes, a64_encode_brk(BREAK_ENTRY));
}

bool host_entry_reaches(const struct site *site, uintptr_t target)
{
  return site->entry == SIGHOOK_ENTRY_BRANCH && !site->signs && reaches(site_place(site), target);
}

size_t host_entry_span(const struct site *site)
{
  return site->length;
}

size_t host_island(uintptr_t pc, uintptr_t target, uint8_t bytes[HOST_ISLAND_MAX])
{
  put_word(bytes, a64_encode_b(pc, target));
  return sizeof(uint32_t);
}

/* Indirect branches to a guarded page must meet a landing pad, or a breakpoint (Arm ARM, D8.4.6). */
static bool is_guarded_pad(const struct entry_request *request)
{
  struct os_mapping mapping;
  struct host_pad pad;

  return !request->site->shift && host_landing_pad(request->site->original, sizeof request->site->original, &pad) &&
         os_maps_find(request->maps, request->site->address, &mapping) && (mapping.protection & OS_GUARDED);
}

void host_choose_entry(const struct entry_request *request)
{
  struct site *site = request->site;

  site->entry = SIGHOOK_ENTRY_BRANCH;
  site->reason = REASON_NONE;
  site->landing = 0;
  if (request->flags & SIGHOOK_FORCE_TRAP) {
    site->entry = SIGHOOK_ENTRY_TRAP;
    site->reason = REASON_FORCED;
  } else if (site->far) {
    site->entry = SIGHOOK_ENTRY_TRAP;
    site->reason = REASON_FAR;
  } else if (is_guarded_pad(request)) {
    site->entry = SIGHOOK_ENTRY_TRAP;
    site->reason = REASON_LANDING_PAD;
  }
}

bool host_entry_follow(const struct site *site, uintptr_t changed, const uint8_t *after, size_t length, struct os_maps *maps,
                       struct os_text *text)
{
  (void)site;                        /* no entry leans on other instructions here */
  (void)changed;
  (void)after;
  (void)length;
  (void)maps;
  (void)text;
  return true;
}

uintptr_t host_island_target(uintptr_t pc, size_t size)
{
  struct a64_insn insn;

  (void)size;
  a64_decode(*(const uint32_t *)pc, pc, &insn);
  return insn.kind == A64_B ? insn.target : pc;
}

/* Entries of this machine need no islands. */
const uint8_t host_island_rule[1];
const size_t host_island_rule_length = 0;

size_t host_island_stands(const uint8_t *code)
{
  (void)code;
  return HOST_ISLAND_MAX;
}

/* No entry of this machine reaches over other instructions: no site has such a jump. */
bool host_stub_back(const struct site *site, uintptr_t target, uint8_t bytes[HOST_BACK_LENGTH])
{
  (void)site;
  (void)target;
  (void)bytes;
  return false;
}
