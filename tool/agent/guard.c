/* Hooks on the program's system calls that change what becomes of signals: each is answered here, in the kernel's place. They are
 * found by the command, in libc mostly. See signals.h. */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <stddef.h>
#include <sighook/sighook.h>
#include "addresses.h"
#include "registers.h"
#include "raw_syscall.h"
#include "signals.h"
#include "trap/trap.h"

/* A child of posix_spawn by glibc since 2.38, which a trap would kill without our handlers. Refused, as by kernels before
 * 5.5, glibc has the child set its handlers one by one. */
static bool clears_handlers(uintptr_t arguments, uintptr_t size)
{
  return size >= sizeof(uint64_t) && (*(const uint64_t *)arguments & CLONE_CLEAR_SIGHAND);     /* flags come first */
}

/* False where the kernel is to have the call. */
static bool answer(uint32_t number, const uint64_t arguments[4], long *result)
{
  uintptr_t first = arguments[0], second = arguments[1], third = arguments[2];
  long size = (long)arguments[3];

  if (number == SYS_rt_sigaction) {
    *result = action_change((int)first, second, third, size);
    return true;
  }
  if (!mask_kept)
    return false;
  switch (number) {
  case SYS_rt_sigprocmask:
    *result = mask_change((int)first, second, third, size);
    return true;
  case SYS_rt_sigpending:
    *result = mask_pending(first, (long)second);
    return true;
  case SYS_rt_sigtimedwait:
    return mask_take_pending(first, second, result);
  case SYS_rt_sigsuspend:
    if (!*mask_blocked() && !(*(const uint64_t *)first & mask_kept))
      return false;
    *result = mask_suspend(first, (long)second);
    return true;
  case SYS_clone3:
    *result = -EINVAL;
    return clears_handlers(first, second);
  default:
    return false;
  }
}

/* Met at the instruction that sets the number, which is certain, or at the call, or at that of a function that makes it. */
static void on_call(sighook_context *context, void *data)
{
  const struct channel_call *call = data;
  uint32_t number = call->passed ? (uint32_t)sighook_arg(context, 1) : call->number;
  uint64_t arguments[4];
  long result;

  if (!call->passed && call->length == call_length)
    number = call_number(context);
  for (unsigned i = 0; i < 4; i++)
    arguments[i] = call->passed ? sighook_arg(context, 2 + i) : call_argument(context, i);
  if (!answer(number, arguments, &result))
    return;
  sighook_set_result(context, (uint64_t)result);
  call_go_behind(context, call->length);
}

static sighook_spec spec_of(const struct channel_call *call)
{
  return (sighook_spec){.size = sizeof(sighook_spec),
                        .kind = SIGHOOK_PROBE,
                        .flags = SIGHOOK_INTEGER_ONLY | SIGHOOK_REQUIRE_BRANCH | SIGHOOK_ALLOW_RECURSION,
                        .address = module_bias(call->module) + call->offset,
                        .handler = on_call,
                        .user = (void *)call};
}

/* In one batch if it can be had so. */
static bool hook_all(const struct channel_image *image, bool (*is_meant)(const struct channel_call *call))
{
  const struct channel_call *calls = (const struct channel_call *)((const char *)image + image->calls);
  sighook_batch *batch;
  sighook_hook hook;             /* they stay */
  bool together = sighook_batch_create(&batch) == SIGHOOK_OK, all = true;

  for (uint32_t i = 0; i < image->call_count && together; i++) {
    sighook_spec spec = spec_of(&calls[i]);

    together = !is_meant(&calls[i]) || sighook_batch_install(batch, &spec, &hook) == SIGHOOK_OK;
  }
  together = together && sighook_batch_commit(batch, NULL) == SIGHOOK_OK;
  sighook_batch_destroy(batch);
  for (uint32_t i = 0; i < image->call_count && !together; i++) {
    sighook_spec spec = spec_of(&calls[i]);

    all &= !is_meant(&calls[i]) || sighook_install(&spec, &hook) == SIGHOOK_OK;
  }
  return all;
}

static bool sets_action(const struct channel_call *call)
{
  return call->number == SYS_rt_sigaction;
}

static bool sets_no_action(const struct channel_call *call)
{
  return !sets_action(call);
}

/* No signal interrupts the library's handler: where one comes at the same time as a trap, its handler sees the thread sent on, not
 * our code. */
static void block_others(int number)
{
  struct kernel_action action;

  host_syscall4(SYS_rt_sigaction, number, 0, &action, sizeof action.mask);
  action.mask = ~(signal_bit(SIGTRAP) | signal_bit(SIGILL));
  action.flags |= SA_RESTART;
  host_syscall4(SYS_rt_sigaction, number, &action, 0, sizeof action.mask);
}

/* The library ignores hits while fork runs its handlers; but fork itself blocks signals, and calls functions, while it does. */
static void heed_hits(void)
{
  sighook_thread_ignore(-1);
}

static void ignore_hits(void)
{
  sighook_thread_ignore(1);
}

void guard_start(const struct channel_image *image)
{
  pthread_atfork(heed_hits, ignore_hits, ignore_hits);     /* before the library's: inside those, which end what they began */
  mask_start_process();
  action_start();
  trap_hand_to(&deliver_foreign);
  hook_all(image, sets_action);
}

/* The program may have started with signals blocked, and pending. */
bool guard_masks(const struct channel_image *image)
{
  struct error error;
  bool can;

  sighook_thread_ignore(1);            /* these calls of sigaction are not the program's */
  can = trap_start(TRAP_BREAKPOINT, &error) == SIGHOOK_OK && trap_start(TRAP_ILLEGAL, &error) == SIGHOOK_OK;
  sighook_thread_ignore(-1);
  if (!can)
    return false;
  mask_kept = signal_bit(SIGTRAP) | signal_bit(SIGILL);
  mask_start();
  return hook_all(image, sets_no_action) && !image->wild;
}

void guard_ready(void)
{
  for (int number = SIGILL; number <= SIGTRAP; number++)
    if (trap_handles(number))
      block_others(number);
}

/* ---- execution ---- */

static void change_ignored(uint64_t signals, bool ignore)
{
  static struct kernel_action ours[SIGTRAP + 1];
  static const struct kernel_action ignored = {.handler = (uintptr_t)SIG_IGN};

  for (int number = SIGILL; number <= SIGTRAP; number++)
    if (signals & signal_bit(number))
      host_syscall4(SYS_rt_sigaction, number, ignore ? &ignored : &ours[number], ignore ? &ours[number] : NULL, sizeof(uint64_t));
}

bool guard_before_execute(uint64_t *ignored)
{
  const struct mask_child *child = mask_child();
  uint64_t blocked = *mask_blocked();

  *ignored = child ? child->ignored : actions_ignored();
  if (!blocked && !*ignored)
    return false;
  host_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, &blocked, 0, sizeof blocked);
  mask_release(true);
  change_ignored(*ignored, true);
  return true;
}

void guard_after_execute(uint64_t ignored)
{
  change_ignored(ignored, false);
  host_syscall4(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask_kept, 0, sizeof mask_kept);
}
