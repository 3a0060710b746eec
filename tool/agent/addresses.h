/* From what the command knows to addresses in the process that it asks about. */
#ifndef AGENT_ADDRESSES_H
#define AGENT_ADDRESSES_H

#include <stdint.h>

/* The load bias of a module, by its place among those told to the command. */
uint64_t module_bias(uint32_t module);

/* The target of an IFUNC, by its resolver; a module of UINT32_MAX is none that was told, and `offset` then an address. Address 0:
 * it is not known. */
struct ifunc_target {
  uint64_t address, offset;
  uint32_t module;
};
struct ifunc_target ifunc_target(uint64_t resolver);

#endif
