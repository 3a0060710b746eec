/* From what the command knows to addresses in this process. */
#ifndef AGENT_ADDRESSES_H
#define AGENT_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>

/* The load bias of a module, by its place among those told to the command. */
uint64_t module_bias(uint32_t module);

/* The target of an IFUNC, by its resolver; a module of UINT32_MAX is none that was told, and `offset` then an address. */
struct ifunc_target {
  uint64_t address, offset;
  uint32_t module;
};
struct ifunc_target ifunc_target(uint64_t resolver);

/* Addresses, hashed; slots are zero at first, and more than addresses will come. */
struct address_set {
  uint64_t *slots;
  uint32_t size;
};
/* False where it is in there already. */
bool address_set_add(struct address_set *set, uint64_t address);

#endif
