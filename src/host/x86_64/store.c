/* Stores to running code. Inside a 64-byte line an unaligned store was never seen torn by instruction fetch; AMD documents
 * that for an aligned 8 bytes only (AMD64 APM vol. 2, 7.6.1), Intel for neither, hence the strict mode. */
#include "host/store.h"
#include "host/host.h"

enum { LINE = 64, WORD = 8 };

static bool strict;

void host_store_strict(bool on)
{
  strict = on;
}

bool host_store_fits(uintptr_t address, size_t length)
{
  uintptr_t unit = strict ? WORD : LINE;

  if (length <= 1)
    return true;
  return length <= WORD && address / unit == (address + length - 1) / unit;
}

void host_code_written(uintptr_t address, size_t length)
{
  (void)address;                     /* caches are coherent */
  (void)length;
}

bool host_store(uintptr_t address, const uint8_t *before, const uint8_t *after, size_t length)
{
  uintptr_t line_end = (address & ~(uintptr_t)(LINE - 1)) + LINE;
  uintptr_t word = strict ? address & ~(uintptr_t)(WORD - 1) : address > line_end - WORD ? line_end - WORD : address;
  unsigned shift = 8 * (unsigned)(address - word);
  uint64_t mask = 0, old = 0, new = 0;

  for (size_t i = 0; i < length; i++) {
    mask |= UINT64_C(0xFF) << (8 * i);
    old |= (uint64_t)before[i] << (8 * i);
    new |= (uint64_t)after[i] << (8 * i);
  }
  mask <<= shift;
  for (;;) {
    uint64_t seen = *(volatile uint64_t *)word;
    uint64_t wanted = (seen & ~mask) | (new << shift);
    bool stored;

    if ((seen & mask) != old << shift)
      return false;
    __asm__ volatile("lock cmpxchgq %3, %1"
                     : "=@cce"(stored), "+m"(*(volatile uint64_t *)word), "+a"(seen)
                     : "r"(wanted)
                     : "memory");
    if (stored)
      return true;
  }
}
