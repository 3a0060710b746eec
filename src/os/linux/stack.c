/* Stacks: on the main thread's lies what the kernel left there; on others, at their top, the C libraries put the thread pointer's
 * block. */
#include "os/stack.h"

#include <signal.h>
#include <sys/auxv.h>
#include "os/maps.h"
#include "raw_syscall.h"

#define GROWS_MAX (UINT64_C(1) << 26)    /* of the main thread's stack */

/* What lies on the stack that a thread was started on. */
static uintptr_t anchor(bool main_thread)
{
  static uintptr_t random_bytes;       /* the kernel puts them above the main thread's */

  if (!main_thread)
    return (uintptr_t)__builtin_thread_pointer();
  if (!random_bytes)
    random_bytes = getauxval(AT_RANDOM);
  return random_bytes;
}

void os_stack_bounds(int id, uintptr_t *low, uintptr_t *high)
{
  bool main_thread = id == host_syscall0(SYS_getpid);
  uintptr_t inside = (uintptr_t)&main_thread;
  struct os_mapping mapping;
  struct os_maps maps;

  *low = *high = 0;
  if (os_maps_open(&maps) != 0)
    return;
  if (os_maps_find(&maps, anchor(main_thread), &mapping) && inside >= mapping.start && inside < mapping.end) {
    *low = main_thread ? mapping.end - GROWS_MAX : mapping.start;
    *high = main_thread ? mapping.end : anchor(false);      /* what is mapped right above may be a stack of others */
  }
  os_maps_close(&maps);
}

bool os_on_signal_stack(void)
{
  stack_t stack;

  return host_syscall2(SYS_sigaltstack, 0, &stack) == 0 && (stack.ss_flags & SS_ONSTACK);
}
