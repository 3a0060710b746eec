/* What stands at a site, and the islands that punned entries land on. */
#include "host/dwarf.h"
#include "host/entry.h"
#include "host/host.h"
#include "isa/x86_64/pun.h"

enum { JUMP = 0xE9, FAR_JUMP = 0xFF };

const uint8_t host_trap[HOST_TRAP_LENGTH] = {0xCC};                   /* int3 */

static void jump_bytes(uintptr_t pc, uintptr_t target, uint8_t *bytes)
{
  x64_pun_bytes(pc, 0, target, bytes);
}

void host_entry_bytes(const struct site *site, uint8_t bytes[HOST_ENTRY_MAX])
{
  uint8_t jump[X64_PREFIXES_MAX + X64_JMP_LENGTH];

  for (unsigned i = 0; i < site->length; i++)
    bytes[i] = site->original[i];
  switch ((sighook_entry)site->entry) {
  case SIGHOOK_ENTRY_BRANCH:
    jump_bytes(site->address, site->landing ? site->landing : site_gate(site), bytes);
    break;
  case SIGHOOK_ENTRY_EVICTED:
  case SIGHOOK_ENTRY_PUNNED:
    x64_pun_bytes(site->address, site->prefixes, site->landing, jump);
    for (unsigned i = 0; i < site->length && i < site->prefixes + (unsigned)X64_JMP_LENGTH; i++)
      bytes[i] = jump[i];
    break;
  case SIGHOOK_ENTRY_TRAP:
    bytes[0] = host_trap[0];
    for (unsigned i = 0; i < site->lent; i++)
      bytes[i] = (uint8_t)(site->landing >> (8 * i));
    break;
  case SIGHOOK_ENTRY_NONE:
    break;
  }
}

bool host_entry_reaches(const struct site *site, uintptr_t target)
{
  intptr_t displacement = (intptr_t)(target - (site->address + X64_JMP_LENGTH));

  return site->entry == SIGHOOK_ENTRY_BRANCH && displacement == (int32_t)displacement;
}

size_t host_entry_span(const struct site *site)
{
  size_t jump = entry_is_punned(site) ? (size_t)site->prefixes + X64_JMP_LENGTH : 0;

  return jump > site->length ? jump : site->length;
}

size_t host_island(uintptr_t pc, uintptr_t target, uint8_t bytes[HOST_ISLAND_MAX])
{
  static const uint8_t far_jump[] = {FAR_JUMP, 0x25, 0, 0, 0, 0};     /* jmp *0(%rip); .quad target */
  intptr_t displacement = (intptr_t)(target - (pc + X64_JMP_LENGTH));

  if (displacement == (int32_t)displacement) {
    jump_bytes(pc, target, bytes);
    return X64_JMP_LENGTH;
  }
  for (unsigned i = 0; i < sizeof far_jump; i++)
    bytes[i] = far_jump[i];
  for (unsigned i = 0; i < sizeof target; i++)
    bytes[sizeof far_jump + i] = (uint8_t)(target >> (8 * i));
  return HOST_ISLAND_MAX;
}

uintptr_t host_island_target(uintptr_t pc, size_t size)
{
  const uint8_t *code = (const uint8_t *)pc;
  int32_t displacement;
  uintptr_t target;

  if (code[0] == JUMP && size >= X64_JMP_LENGTH) {
    __builtin_memcpy(&displacement, code + 1, sizeof displacement);
    return pc + X64_JMP_LENGTH + (uintptr_t)(intptr_t)displacement;
  }
  if (code[0] != FAR_JUMP || size < HOST_ISLAND_MAX)
    return pc;
  __builtin_memcpy(&target, code + HOST_ISLAND_MAX - sizeof target, sizeof target);
  return target;
}

enum { NEAR_RULE = 17, FAR_RULE = 3 };      /* bytes of its two ways */

const uint8_t host_island_rule[] = {
    OP_DUP, OP_DEREF_SIZE, 1, OP_CONST1U, JUMP, OP_NE, OP_BRA, NEAR_RULE, 0,
    OP_DUP, OP_PLUS_UCONST, 1, OP_DEREF_SIZE, 4, OP_CONST1U, 32, OP_SHL, OP_CONST1U, 32, OP_SHRA,     /* the displacement */
    OP_PLUS, OP_PLUS_UCONST, X64_JMP_LENGTH, OP_SKIP, FAR_RULE, 0,
    OP_PLUS_UCONST, HOST_ISLAND_MAX - sizeof(uintptr_t), OP_DEREF};
const size_t host_island_rule_length = sizeof host_island_rule;

size_t host_island_stands(const uint8_t *code)
{
  return *(const volatile uint8_t *)code == FAR_JUMP ? HOST_ISLAND_MAX : X64_JMP_LENGTH;
}
