/* Handing a foreign signal on. Raw system calls only. */
#include "trap/chain.h"

#include <stdatomic.h>
#include <stdbool.h>
#include "frame/frame.h"
#include "host/host.h"
#include "os/signals.h"

/* The kernel forces a trap's signal on the thread: neither ignoring nor blocking helps. */
static bool is_forced(const siginfo_t *info)
{
  return info->si_code > 0;
}

/* Ends as the default action would: by the same instruction again, or by sending the same signal. */
static void default_action(int signal_number, const siginfo_t *info, void *ucontext)
{
  uintptr_t address;
  enum frame_trap trap = frame_trap(signal_number, info, ucontext, &address);

  os_signal_default(signal_number);
  if (is_forced(info) && (trap == FRAME_ILLEGAL || (trap == FRAME_BREAKPOINT && host_insn_is_breakpoint((const uint8_t *)address))))
    frame_set_pc(ucontext, address);
  else
    os_signal_self(signal_number);
}

void chain_deliver(struct chain_link *link, int signal_number, siginfo_t *info, void *ucontext)
{
  const struct sigaction *action = &link->action;
  uint64_t old_mask;

  if (action->sa_handler == SIG_IGN && !is_forced(info))
    return;
  if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN ||
      ((action->sa_flags & SA_RESETHAND) && atomic_exchange(&link->spent, 1))) {
    default_action(signal_number, info, ucontext);
    return;
  }
  old_mask = os_signal_block(&action->sa_mask, action->sa_flags & SA_NODEFER ? 0 : signal_number);
  if (action->sa_flags & SA_SIGINFO)
    action->sa_sigaction(signal_number, info, ucontext);
  else
    action->sa_handler(signal_number);
  os_signal_restore(old_mask);
}
