/* Open addressing. */
#include "address_set.h"

bool address_set_add(struct address_set *set, uint64_t address)
{
  uint32_t slot = (uint32_t)(address * UINT64_C(0x9E3779B97F4A7C15) >> 33);

  for (;; slot++) {
    uint64_t *entry = &set->slots[slot % set->size];

    if (*entry == address)
      return false;
    if (*entry)
      continue;
    *entry = address;
    return true;
  }
}
