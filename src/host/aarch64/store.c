/* Stores to running code: aligned words, which are single-copy atomic (Arm ARM, B2.2.1). Every instruction is one, so a change
 * of several is a store for each. The manual lets only some instructions be replaced so while they run (B2.2.5); for the first
 * change of any other it is field practice: debuggers, uprobes and other hooking libraries rely on it. */
#include "host/store.h"
#include "host/host.h"

enum { WORD = 4 };

void host_store_strict(bool on)
{
  (void)on;                          /* there is nothing stricter than what is always done */
}

bool host_store_fits(uintptr_t address, size_t length)
{
  (void)address;
  (void)length;
  return true;
}

/* The word at `at` with those of its bytes replaced that bytes[0, length), for `address`, covers. */
static uint32_t overlaid(uint32_t word, uintptr_t at, uintptr_t address, const uint8_t *bytes, size_t length)
{
  for (unsigned i = 0; i < WORD; i++)
    if (at + i >= address && at + i < address + length)
      word = (word & ~(UINT32_C(0xFF) << (8 * i))) | (uint32_t)bytes[at + i - address] << (8 * i);
  return word;
}

static bool store_word(uintptr_t at, uintptr_t address, const uint8_t *before, const uint8_t *after, size_t length)
{
  uint32_t seen = *(volatile uint32_t *)at;

  do
    if (overlaid(seen, at, address, before, length) != seen)
      return false;
  while (!__atomic_compare_exchange_n((uint32_t *)at, &seen, overlaid(seen, at, address, after, length), false, __ATOMIC_SEQ_CST,
                                      __ATOMIC_RELAXED));
  return true;
}

bool host_store(uintptr_t address, const uint8_t *before, const uint8_t *after, size_t length)
{
  uintptr_t first = address & ~(uintptr_t)(WORD - 1), end = address + length, at = first;

  while (at < end && store_word(at, address, before, after, length))
    at += WORD;
  if (at >= end)
    return true;
  while (at > first) {               /* somebody else changed a later word: what was stored is taken back */
    at -= WORD;
    store_word(at, address, after, before, length);
  }
  return false;
}

/* Arm ARM, B2.4.4 and D7.5: by the sizes that the cache type register gives. */
void host_code_written(uintptr_t address, size_t length)
{
  uint64_t type;
  uintptr_t data_line, code_line;

  __asm__("mrs %0, ctr_el0" : "=r"(type));
  data_line = UINT64_C(4) << ((type >> 16) & 0xF);
  code_line = UINT64_C(4) << (type & 0xF);
  if (!(type & (UINT64_C(1) << 28)))                                       /* IDC */
    for (uintptr_t at = address & ~(data_line - 1); at < address + length; at += data_line)
      __asm__ volatile("dc cvau, %0" : : "r"(at) : "memory");
  __asm__ volatile("dsb ish" : : : "memory");
  if (!(type & (UINT64_C(1) << 29)))                                       /* DIC */
    for (uintptr_t at = address & ~(code_line - 1); at < address + length; at += code_line)
      __asm__ volatile("ic ivau, %0" : : "r"(at) : "memory");
  __asm__ volatile("dsb ish; isb" : : : "memory");
}
