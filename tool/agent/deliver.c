/* Signals on their way to the program's handlers. What these see of the interrupted thread is the program's own: pc and registers as
 * they would be without us. Where the handler leaves them so, the thread goes on where it really was. See signals.h. */
#include <stddef.h>
#include <ucontext.h>
#include <sighook/sighook.h>
#include "core/thread.h"
#include "frame/frame.h"
#include "host/host.h"
#include "registers.h"
#include "raw_syscall.h"
#include "signals.h"
#include "trap/chain.h"

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden")));

static uint64_t *mask_of(void *ucontext)
{
  return (uint64_t *)&((ucontext_t *)ucontext)->uc_sigmask;
}

/* ---- what the handler sees ---- */

struct view {
  uint64_t real[REGISTERS], shown[REGISTERS];
  bool differs;
};

static bool copy(uint64_t *to, const uint64_t *from)
{
  bool differs = false;

  for (unsigned i = 0; i < REGISTERS; i++) {
    differs |= to[i] != from[i];
    to[i] = from[i];
  }
  return differs;
}

/* Inside our own code, on its way from a hit: as the program was at the site. */
static void show_capture(void *ucontext)
{
  uintptr_t pc = frame_pc(ucontext);
  uint64_t level = thread_record ? atomic_load_explicit(&thread_record->level, memory_order_relaxed) : 0;

  level = level ? level : thread_capture;
  if (level && pc >= (uintptr_t)__ehdr_start && pc < (uintptr_t)etext)
    registers_show(ucontext, &host_level_frame(level)->context);
}

static void show(struct view *view, void *ucontext)
{
  copy(view->real, registers_of(ucontext));
  sighook_fix_context(ucontext);
  show_capture(ucontext);
  copy(view->shown, view->real);
  view->differs = copy(view->shown, registers_of(ucontext));
}

/* Register by register, what the handler changed stays changed; where it sends the thread elsewhere, all is as it was shown. */
static void go_on(const struct view *view, void *ucontext)
{
  uint64_t *now = registers_of(ucontext);

  if (!view->differs || now[REGISTER_PC] != view->shown[REGISTER_PC])
    return;
  for (unsigned i = 0; i < REGISTERS; i++)
    if (now[i] == view->shown[i])
      now[i] = view->real[i];
}

/* A fault of the instruction itself has its address. */
static void show_address(int number, siginfo_t *info)
{
  if (info->si_code > 0 && (number == SIGILL || number == SIGFPE || number == SIGTRAP))
    info->si_addr = (void *)sighook_original_pc((uintptr_t)info->si_addr);
}

/* ---- handlers ---- */

/* In the program's eyes the signals of the action's mask are blocked while its handler runs. */
static void enter_mask(const struct kernel_action *action, int number, void *ucontext, uint64_t *blocked)
{
  uint64_t more = action->mask | (action->flags & SA_NODEFER ? 0 : signal_bit(number));

  host_syscall4(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask_kept, 0, sizeof mask_kept);     /* by the mask of ppoll and the like */
  *mask_of(ucontext) |= mask_interrupted();
  *blocked |= more & mask_kept;
}

static void leave_mask(void *ucontext, uint64_t *blocked)
{
  *blocked = *mask_of(ucontext) & mask_kept;
  *mask_of(ucontext) &= ~mask_kept;
  mask_release(false);
}

static void call_handler(const struct kernel_action *action, int number, siginfo_t *info, void *ucontext)
{
  uint64_t *blocked = mask_kept ? mask_blocked() : NULL;
  struct view view;

  if (blocked)
    enter_mask(action, number, ucontext, blocked);
  show(&view, ucontext);
  show_address(number, info);
  ((void (*)(int, siginfo_t *, void *))action->handler)(number, info, ucontext);
  go_on(&view, ucontext);
  if (blocked)
    leave_mask(ucontext, blocked);
}

void deliver(int number, siginfo_t *info, void *ucontext)
{
  const struct kernel_action action = action_of_signal(number);

  call_handler(&action, number, info, ucontext);
}

/* The library's handler has every other signal blocked. */
static void set_mask(const struct kernel_action *action, int number, const void *ucontext)
{
  uint64_t mask = *mask_of((void *)ucontext) | action->mask | (action->flags & SA_NODEFER ? 0 : signal_bit(number));

  mask &= ~mask_kept;
  host_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof mask);
}

/* As the kernel would: a fault is fatal where it is blocked or ignored. */
static void take(int number, siginfo_t *info, void *ucontext)
{
  struct kernel_action action = action_of_signal(number);
  bool is_blocked = *mask_blocked() & signal_bit(number), is_sent = info->si_code <= 0;

  if (is_blocked && is_sent) {
    mask_hold(number, info);
    return;
  }
  if (action.handler == (uintptr_t)SIG_IGN && is_sent)
    return;
  if ((action.flags & SA_RESETHAND) && !is_blocked && !action_spend(number, &action))
    action = action_of_signal(number);
  if (is_blocked || action.handler == (uintptr_t)SIG_IGN || action.handler == (uintptr_t)SIG_DFL) {
    chain_default(number, info, ucontext);
    return;
  }
  set_mask(&action, number, ucontext);
  call_handler(&action, number, info, ucontext);
}

static bool on_alternate(int number)
{
  const struct kernel_action action = action_of_signal(number);

  return action.handler == (uintptr_t)SIG_DFL || action.handler == (uintptr_t)SIG_IGN || (action.flags & SA_ONSTACK);
}

const struct trap_receiver deliver_foreign = {take, on_alternate};
