/* Moving a signal frame to the stack that the signal met. The kernel finds a frame again by sp alone, wherever it lies
 * (sigreturn(2)). */
#include "frame/linux.h"

#include <ucontext.h>

/* As the kernel has it (on_sig_stack): stacks grow down. */
static bool is_on(const stack_t *stack, uintptr_t sp)
{
  return !(stack->ss_flags & SS_DISABLE) && sp > (uintptr_t)stack->ss_sp && sp - (uintptr_t)stack->ss_sp <= stack->ss_size;
}

static void copy(uintptr_t to, const struct frame_place *from)
{
  for (uintptr_t at = from->start; at < from->end; at += sizeof(uint32_t), to += sizeof(uint32_t))
    *(uint32_t *)to = *(const uint32_t *)at;
}

void frame_leave_alternate(int number, siginfo_t *info, void *ucontext, uintptr_t sp, uintptr_t record, uintptr_t back,
                           frame_function *function)
{
  const stack_t *alternate = &((const ucontext_t *)ucontext)->uc_stack;
  struct frame_place place;
  uintptr_t to, up;

  if (!frame_find(ucontext, record, &place) || place.start != sp || !is_on(alternate, sp) || is_on(alternate, place.interrupted))
    return;
  to = place.free - (place.end - place.start);
  to -= (to - place.start) % FRAME_ALIGNMENT;
  up = to - place.start;
  copy(to, &place);
  frame_follow((char *)ucontext + up, up);
  frame_go_on(number, (siginfo_t *)((char *)info + up), (char *)ucontext + up, function, to, record + up, back);
}
