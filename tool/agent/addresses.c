/* Addresses of what the command asks about, in this process. */
#include "addresses.h"

#include <link.h>
#include <string.h>
#include "agent.h"
#include "arch.h"

uint64_t module_bias(uint32_t module)
{
  const char *at = self->modules;
  uint64_t bias;

  for (; module; module--) {
    at += sizeof bias;
    at += (strlen(at) + 8) & ~UINT64_C(7);
  }
  memcpy(&bias, at, sizeof bias);
  return bias;
}

struct owner {
  uint64_t address, bias;
};

static int find_owner(struct dl_phdr_info *info, size_t size, void *data)
{
  struct owner *owner = data;

  (void)size;
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

    if (segment->p_type == PT_LOAD && owner->address - info->dlpi_addr - segment->p_vaddr < segment->p_memsz) {
      owner->bias = info->dlpi_addr;
      return 1;
    }
  }
  return 0;
}

/* The resolver is asked: dlsym needs a handle, and dlopen would start libraries, libc among them, before their time. */
struct ifunc_target ifunc_target(uint64_t resolver)
{
  struct owner owner = {.address = arch_resolve(resolver)};
  struct ifunc_target target = {.address = owner.address, .offset = owner.address, .module = UINT32_MAX};

  if (!dl_iterate_phdr(find_owner, &owner))
    return target;
  for (uint32_t i = 0; i < self->module_count; i++)
    if (module_bias(i) == owner.bias) {
      target.module = i;
      target.offset = owner.address - owner.bias;
      break;
    }
  return target;
}
