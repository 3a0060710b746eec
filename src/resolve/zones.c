/* Forbidden zones: kernel code, what the module's facts list (restartable sequences, libc's cancellable system call),
 * and the signal return trampoline, which unwinders and debuggers know by its bytes. Ranges of Syscall User Dispatch
 * are not among them: a process cannot ask for its own (only a tracer can, by PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG).
 */
#include "resolve/zones.h"

#include "core/plan.h"
#include "host/host.h"
#include "os/modules.h"
#include "resolve/modules.h"

enum {
  AROUND = 64
};

/* Whether [address, address + length) touches the signal return trampoline. */
static bool is_signal_return(uintptr_t address, size_t length)
{
  size_t size, before, have;
  const uint8_t *pattern = host_signal_return(&size);
  uint8_t code[AROUND];

  before = size - 1;
  have = plan_read_current_as_is(address - before, code, before + length + size - 1);
  if (have < before) { /* the page before cannot be read */
    before = 0;
    have = plan_read_current_as_is(address, code, length + size - 1);
  }
  for (size_t start = 0; start < before + length && start + size <= have; start++) {
    size_t same = 0;

    while (same < size && code[start + same] == pattern[same])
      same++;
    if (same == size)
      return true;
  }
  return false;
}

static const struct zone *listed_zone(uintptr_t address, size_t length)
{
  struct module *module = modules_find(address);
  const struct module_facts *facts = module ? module_facts(module) : NULL;

  for (size_t i = 0; facts && i < facts->zone_count; i++)
    if (address < facts->zones[i].end && facts->zones[i].start < address + length)
      return &facts->zones[i];
  return NULL;
}

bool zone_find(uintptr_t address, size_t length, const char **why)
{
  const struct zone *zone;

  if (os_is_kernel_code(address, why))
    return true;
  if (is_signal_return(address, length < HOST_INSN_MAX ? length : HOST_INSN_MAX)) {
    *why = "it is the signal return trampoline, which unwinders know by its bytes";
    return true;
  }
  zone = listed_zone(address, length);
  if (zone)
    *why = zone->why;
  return zone != NULL;
}
