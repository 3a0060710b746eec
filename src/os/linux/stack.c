/* Stacks: the main thread's is named in the maps; of others, the C libraries put the thread pointer's block at their top. */
#include "os/stack.h"

#include <signal.h>
#include "os/maps.h"
#include "raw_syscall.h"

static bool bounds_of(struct os_maps *maps, bool main_thread, uintptr_t inside, struct os_mapping *mapping)
{
  if (!main_thread)
    return os_maps_find(maps, (uintptr_t)__builtin_thread_pointer(), mapping) && inside >= mapping->start &&
           inside < mapping->end;
  return os_maps_next(maps, inside, mapping) && mapping->stack && mapping->start <= inside;
}

void os_stack_bounds(int id, uintptr_t *low, uintptr_t *high)
{
  struct os_mapping mapping;
  struct os_maps maps;

  *low = *high = 0;
  if (os_maps_open(&maps) != 0)
    return;
  if (bounds_of(&maps, id == host_syscall0(SYS_getpid), (uintptr_t)&maps, &mapping)) {
    *low = mapping.stack ? 0 : mapping.start;   /* the main stack grows */
    *high = mapping.end;
    if (mapping.stack)
      *low = mapping.end - (UINT64_C(1) << 26);
  }
  os_maps_close(&maps);
}

bool os_on_signal_stack(void)
{
  stack_t stack;

  return host_syscall2(SYS_sigaltstack, 0, &stack) == 0 && (stack.ss_flags & SS_ONSTACK);
}
