/* The SIGTRAP handler. */
#include "trap/trap.h"

#include <errno.h>
#include <signal.h>
#include "core/site.h"
#include "frame/frame.h"
#include "host/host.h"
#include "table/table.h"
#include "trap/chain.h"

static struct chain_link previous;
static bool started;

bool trap_claim(int signal_number, const void *siginfo, void *ucontext)
{
  uintptr_t address = frame_pc(ucontext) - HOST_TRAP_PC_OFFSET;
  struct table_value found;

  if (!frame_is_breakpoint(signal_number, siginfo, ucontext))
    return false;
  if (frame_finish(ucontext, NULL))
    return true;
  found = table_find(address);
  if (!found.site)
    return false;
  if (found.tag == TABLE_FINISHING_TRAP)
    return frame_finish(ucontext, found.site);
  if (found.tag == TABLE_DISPLACED_TRAP) {   /* the program's own breakpoint, run in a stub: report it where it stood */
    frame_set_pc(ucontext, HOST_TRAP_PC_OFFSET ? site_next(found.site) : site_place(found.site));
    return false;
  }
  switch ((enum site_state)atomic_load_explicit(&found.site->state, memory_order_acquire)) {
  case SITE_LIVE:
    if (found.site->shift)           /* ours stands behind this address */
      return false;
    frame_set_pc(ucontext, site_gate(found.site));
    return true;
  case SITE_PATCHING:
    frame_set_pc(ucontext, address);
    return true;
  case SITE_IDLE:
  case SITE_PATCH:
    break;
  }
  /* A late arrival: the trap that this thread met has been removed since. */
  if (host_trap_stands(address))
    return false;
  frame_set_pc(ucontext, address);
  return true;
}

/* Where the system tells a breakpoint's address too, it is that of the program's, not of its displaced form. */
static void tell_address(siginfo_t *info, const void *ucontext)
{
  if (!HOST_TRAP_PC_OFFSET && info->si_code == TRAP_BRKPT)
    info->si_addr = (void *)frame_pc(ucontext);
}

static void on_signal(int signal_number, siginfo_t *info, void *ucontext)
{
  if (trap_claim(signal_number, info, ucontext))
    return;
  tell_address(info, ucontext);
  chain_deliver(&previous, signal_number, info, ucontext);
}

sighook_status trap_start(struct error *error)
{
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

  if (started)
    return SIGHOOK_OK;
  action.sa_sigaction = on_signal;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGTRAP, NULL, &previous.action) != 0 || sigaction(SIGTRAP, &action, NULL) != 0)
    return error_os(error, SIGHOOK_SIGNAL_FAILED, 0, "sigaction", errno);
  started = true;
  return SIGHOOK_OK;
}
