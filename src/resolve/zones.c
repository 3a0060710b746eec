/* Forbidden zones: kernel code, restartable sequences, and the signal return trampoline, which unwinders and debuggers know
 * by its bytes. */
#include "resolve/zones.h"

#include "core/plan.h"
#include "host/host.h"
#include "os/modules.h"
#include "resolve/modules.h"

/* Whether the bytes around `address` are the signal return trampoline. */
static bool is_signal_return(uintptr_t address)
{
  size_t length;
  const uint8_t *pattern = host_signal_return(&length);
  uint8_t code[64];
  size_t have = plan_read_current_as_is(address - length, code, 2 * length);   /* never hooked, so as it always was */

  for (size_t start = 1; start <= length && start + length <= have; start++) {
    size_t same = 0;

    while (same < length && code[start + same] == pattern[same])
      same++;
    if (same == length)
      return true;
  }
  return false;
}

bool zone_find(uintptr_t address, size_t length, const char **why)
{
  const struct os_module *module;
  uintptr_t nearest;

  if (os_is_kernel_code(address, why))
    return true;
  if (is_signal_return(address)) {
    *why = "it is the signal return trampoline, which unwinders know by its bytes";
    return true;
  }
  module = modules_find(address);
  if (module && modules_rseq_covers(module, address, length, &nearest)) {
    *why = "it is inside an rseq critical section, which the kernel restarts by its addresses";
    return true;
  }
  return false;
}
