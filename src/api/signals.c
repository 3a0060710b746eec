/* sighook/signals.h: for hosts that handle signals, and for handlers that look at a pc. */
#include "api/boundary.h"

#include "codemem/arena.h"
#include "codemem/landing.h"
#include "core/core.h"
#include "frame/frame.h"
#include "host/host.h"
#include "trap/trap.h"

API int sighook_handle_signal(int signal_number, void *siginfo, void *ucontext)
{
  return ucontext && trap_claim(signal_number, siginfo, ucontext);
}

API uintptr_t sighook_original_pc(uintptr_t pc)
{
  const struct site *site = arena_site_at(pc);

  if (!site)
    return pc;
  if (pc < site->stub + site->displaced_offset)
    return site->address;
  if (pc < site->stub + site->exit_offset)
    return site_place(site);
  return host_stub_leads_to(site, pc - site->stub);
}

API void sighook_fix_context(void *ucontext)
{
  uintptr_t pc = frame_pc(ucontext);
  const struct site *site = arena_site_at(pc);

  if (!site)
    return;
  frame_add_sp(ucontext, host_stub_sp_offset(site, pc - site->stub));
  frame_set_pc(ucontext, sighook_original_pc(pc));
}

API void sighook_thread_ignore(int change)
{
  core_ignore(change);
}
