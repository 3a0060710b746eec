/* Addresses, hashed. */
#ifndef AGENT_ADDRESS_SET_H
#define AGENT_ADDRESS_SET_H

#include <stdbool.h>
#include <stdint.h>

/* Slots are zero at first, and more than addresses will come. */
struct address_set {
  uint64_t *slots;
  uint32_t size;
};

/* False where it is in there already. */
bool address_set_add(struct address_set *set, uint64_t address);

#endif
