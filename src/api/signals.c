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
  const struct site *site = arena_site_at(inside);
  sighook_context context;

  if (!site)
    return;
  frame_set_pc(ucontext, inside);
  frame_read(ucontext, &context);
  host_stub_view(site, &context);
  frame_write(ucontext, &context);
}

API void sighook_thread_ignore(int change)
{
  core_ignore(change);
}
