/* Punned jumps: arithmetic on displacements. */
#include "isa/x86_64/pun.h"

enum { JMP_REL32 = 0xE9 };

/* One REX, last; 67, which linkers emit before branches too; a segment override (2E), which the manuals call reserved there:
 * the host says on which CPUs it may be used. Never 66, F0, F2 or D5. */
static const uint8_t prefix_choice[X64_PREFIXES_MAX + 1][X64_PREFIXES_MAX] = {
    {0}, {0x48}, {0x67, 0x48}, {0x2E, 0x67, 0x48}};

static uint64_t sign_extend(uint32_t displacement)
{
  return (uint64_t)(int64_t)(int32_t)displacement;
}

bool x64_pun_window(uint64_t address, unsigned length, unsigned prefixes, const uint8_t *code, struct x64_window *window)
{
  const uint64_t user_end = UINT64_C(1) << 47;
  unsigned free = length - prefixes - 1;
  uint32_t fixed = 0;

  for (unsigned i = free; i < 4; i++)
    fixed |= (uint32_t)code[prefixes + 1 + i] << (8 * i);
  window->first = address + prefixes + X64_JMP_LENGTH + sign_extend(fixed);
  window->last = window->first + (UINT64_C(1) << (8 * free)) - 1;
  return window->first < user_end && window->last < user_end;
}

void x64_pun_bytes(uint64_t address, unsigned prefixes, uint64_t target, uint8_t *bytes)
{
  uint32_t displacement = (uint32_t)(target - (address + prefixes + X64_JMP_LENGTH));

  for (unsigned i = 0; i < prefixes; i++)
    bytes[i] = prefix_choice[prefixes][i];
  bytes[prefixes] = JMP_REL32;
  for (unsigned i = 0; i < 4; i++)
    bytes[prefixes + 1 + i] = (uint8_t)(displacement >> (8 * i));
}

uint64_t x64_pun_deflected(uint64_t address, unsigned prefixes, uint64_t target, unsigned offset, uint8_t byte)
{
  uint64_t end = address + prefixes + X64_JMP_LENGTH;
  uint32_t displacement = (uint32_t)(target - end);
  unsigned shift = 8 * (offset - prefixes - 1);

  displacement = (displacement & ~(UINT32_C(0xFF) << shift)) | ((uint32_t)byte << shift);
  return end + sign_extend(displacement);
}
