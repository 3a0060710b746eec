/* Handing a foreign signal on. Raw system calls only. */
#include "trap/chain.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <ucontext.h>
#include "frame/frame.h"
#include "host/host.h"
#include "os/signals.h"

/* The kernel forces a trap's signal on the thread: neither ignoring nor blocking helps. */
static bool is_forced(const siginfo_t *info)
{
  return info->si_code > 0;
}

/* Ends as the default action would: by the same instruction again, or by sending the same signal. */
void chain_default(int signal_number, const siginfo_t *info, void *ucontext)
{
  uintptr_t address;
  enum frame_trap trap = frame_trap(signal_number, info, ucontext, &address);

  os_signal_default(signal_number);
  if (is_forced(info) &&
      (trap == FRAME_ILLEGAL || (trap == FRAME_BREAKPOINT && host_insn_is_breakpoint((const uint8_t *)address))))
    frame_set_pc(ucontext, address);
  else
    os_signal_self(signal_number);
}

void chain_set(struct chain_link *link, const struct sigaction *action, bool later)
{
  if (later)
    __atomic_store_n(&link->action.sa_handler, action->sa_handler, __ATOMIC_RELEASE);
  else
    link->action = *action;
}

int chain_restart_flag(const struct sigaction *action)
{
  return action->sa_handler == SIG_IGN ? SA_RESTART : action->sa_flags & SA_RESTART;
}

static void call(const struct sigaction *action, int signal_number, siginfo_t *info, void *ucontext)
{
  if (action->sa_flags & SA_SIGINFO)
    action->sa_sigaction(signal_number, info, ucontext);
  else
    action->sa_handler(signal_number);
}

/* With the mask that the kernel would have set. Where the kernel called us it brings the interrupted mask back with the frame gone: were
 * it brought back here, signals that follow fast would pile up. */
static void call_masked(const struct sigaction *action, int signal_number, siginfo_t *info, void *ucontext)
{
  const uint64_t wanted = *(const uint64_t *)&action->sa_mask | (action->sa_flags & SA_NODEFER ? 0 : OS_SIGNAL_BIT(signal_number));
  const uint64_t interrupted = *(const uint64_t *)&((const ucontext_t *)ucontext)->uc_sigmask;
  uint64_t before = os_signal_mask();
  bool by_kernel = !((before ^ OS_SIGNALS_THAT_COME) & ~interrupted & OS_SIGNALS_STANDARD);

  os_signal_restore(wanted | (by_kernel ? interrupted : before));
  call(action, signal_number, info, ucontext);
  if (!by_kernel)                      /* by a handler of the program's, which goes on */
    os_signal_restore(before);
}

bool chain_on_alternate(const struct chain_link *link)
{
  const struct sigaction *action = &link->action;

  return action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN || (action->sa_flags & SA_ONSTACK);
}

void chain_deliver(struct chain_link *link, int signal_number, siginfo_t *info, void *ucontext)
{
  const struct sigaction *action = &link->action;

  if (action->sa_handler == SIG_IGN && !is_forced(info))
    return;
  if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN ||
      ((action->sa_flags & SA_RESETHAND) && atomic_exchange(&link->spent, 1)))
    chain_default(signal_number, info, ucontext);
  else
    call_masked(action, signal_number, info, ucontext);
}
