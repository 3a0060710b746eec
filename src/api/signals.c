/* sighook/signals.h: for hosts that handle signals, and for handlers that look at a pc. */
#include "api/boundary.h"

#include "codemem/arena.h"
#include "codemem/landing.h"
#include "core/core.h"
#include "core/shape.h"
#include "frame/frame.h"
#include "trap/trap.h"

API int sighook_handle_signal(int signal_number, void *siginfo, void *ucontext)
{
  return ucontext && trap_claim(signal_number, siginfo, ucontext);
}

API uintptr_t sighook_original_pc(uintptr_t pc)
{
  uintptr_t inside = landing_target(pc);
  const struct site *site = arena_site_at(inside);

  return site ? shape_pc(site, inside - site->stub) : pc;
}

API void sighook_fix_context(void *ucontext)
{
  uintptr_t inside = landing_target(frame_pc(ucontext));
  const struct site *site;
  sighook_context context;
  bool in_routine;

  if (inside != frame_pc(ucontext))
    frame_set_pc(ucontext, inside);
  frame_read(ucontext, &context);
  in_routine = host_routine_view(&context);
  site = arena_site_at(host_pc(&context));               /* from a routine too: the displaced instruction */
  if (site)
    host_stub_view(site, &context);
  if (site || in_routine)
    frame_write(ucontext, &context);
}

API void sighook_thread_ignore(int change)
{
  core_ignore(change);
}
