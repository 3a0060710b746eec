/* The signal mask as the program sees it. In the kernel's, SIGTRAP and SIGILL are never blocked while they are kept: a trap in a
 * thread that blocks them kills the process. See signals.h. */
#include <errno.h>
#include <stddef.h>
#include "os/memory.h"
#include "raw_syscall.h"
#include "signals.h"

enum { KEPT_SIGNALS = 2, INFO_WORDS = sizeof(siginfo_t) / sizeof(uint64_t) };

uint64_t mask_kept;

/* A signal that was sent while the program blocked it. */
struct held {
  bool is_there;
  uint64_t info[INFO_WORDS];
};

static _Thread_local uint64_t own_blocked;
static _Thread_local struct held held[KEPT_SIGNALS];
static _Thread_local struct mask_child child;
static _Thread_local const uint64_t *outside;      /* while it is suspended: what comes back after the handler that ends that */

static uint32_t *process;              /* our id; a forked child, however it was forked, finds 0 */

bool mask_in_child(void)
{
  uint32_t id = (uint32_t)host_syscall0(SYS_getpid);

  if (process && !*process)
    *process = id;
  return process && *process != id;
}

struct mask_child *mask_child(void)
{
  long id;

  if (!mask_in_child())
    return NULL;
  id = host_syscall0(SYS_gettid);
  if (child.id != id)
    child = (struct mask_child){.id = id, .blocked = own_blocked, .ignored = actions_ignored()};
  return &child;
}

uint64_t *mask_blocked(void)
{
  struct mask_child *own = mask_child();

  return own ? &own->blocked : &own_blocked;
}

static long kernel_mask(long how, const void *set, void *old)
{
  return host_syscall4(SYS_rt_sigprocmask, how, set, old, sizeof(uint64_t));
}

void mask_start_process(void)
{
  process = os_allocate_fork_word();
  mask_in_child();
}

void mask_start(void)
{
  uint64_t blocked = 0;

  kernel_mask(SIG_BLOCK, NULL, &blocked);
  own_blocked = blocked & mask_kept;
  kernel_mask(SIG_UNBLOCK, &mask_kept, NULL);      /* what comes now is held */
}

/* ---- signals held back ---- */

static struct held *held_of(int number)
{
  return &held[number == SIGILL];
}

void mask_hold(int number, const siginfo_t *info)
{
  struct held *place = held_of(number);

  if (place->is_there)                 /* as the kernel: once */
    return;
  for (size_t i = 0; i < INFO_WORDS; i++)
    place->info[i] = ((const uint64_t *)info)[i];
  place->is_there = true;
}

static uint64_t held_signals(void)
{
  return (held_of(SIGTRAP)->is_there ? signal_bit(SIGTRAP) : 0) | (held_of(SIGILL)->is_there ? signal_bit(SIGILL) : 0);
}

void mask_release(bool anyway)
{
  static const int numbers[KEPT_SIGNALS] = {SIGTRAP, SIGILL};
  uint64_t due = held_signals();

  if (due && !anyway)
    due &= ~*mask_blocked();
  if (!due || mask_in_child())
    return;
  for (unsigned i = 0; i < KEPT_SIGNALS; i++) {
    struct held *place = held_of(numbers[i]);

    if (!(due & signal_bit(numbers[i])))
      continue;
    place->is_there = false;
    host_syscall4(SYS_rt_tgsigqueueinfo, host_syscall0(SYS_getpid), host_syscall0(SYS_gettid), numbers[i], place->info);
  }
}

/* ---- system calls ---- */

static uint64_t changed(uint64_t blocked, long how, uint64_t set)
{
  return how == SIG_BLOCK ? blocked | set : how == SIG_UNBLOCK ? blocked & ~set : set;
}

/* The kernel does it first, as it was asked, so that it finds the mistakes; until what is kept is open again, nothing runs that
 * could trap. */
long mask_change(long how, uintptr_t set, uintptr_t old, long size)
{
  uint64_t *blocked = mask_blocked();
  uint64_t before = *blocked, kernels = 0;
  long result = host_syscall4(SYS_rt_sigprocmask, how, set, set ? (uintptr_t)&kernels : old, size);

  if (result == 0 && set)
    *blocked = changed(before, how, *(const uint64_t *)set & mask_kept);
  if (set && old && result == 0)
    result = kernel_mask(SIG_UNBLOCK, &mask_kept, (void *)old);            /* which also tells whether `old` can be written */
  else if (set && (*blocked || result != 0))
    kernel_mask(SIG_UNBLOCK, &mask_kept, NULL);
  if (result == 0 && old)
    *(uint64_t *)old = (set ? kernels : *(const uint64_t *)old) | before;
  if (before & ~*blocked)
    mask_release(false);
  return result;
}

long mask_pending(uintptr_t set, long size)
{
  long result = host_syscall2(SYS_rt_sigpending, set, size);

  if (result == 0 && size == sizeof(uint64_t))
    *(uint64_t *)set |= held_signals();
  return result;
}

bool mask_take_pending(uintptr_t set, uintptr_t info, long *result)
{
  uint64_t wanted = held_signals();
  int number;

  if (!wanted || !(wanted &= *(const uint64_t *)set))
    return false;
  number = wanted & signal_bit(SIGILL) ? SIGILL : SIGTRAP;
  held_of(number)->is_there = false;
  for (size_t i = 0; info && i < INFO_WORDS; i++)
    ((uint64_t *)info)[i] = held_of(number)->info[i];
  *result = number;
  return true;
}

uint64_t mask_interrupted(void)
{
  const uint64_t *blocked = outside ? outside : mask_blocked();

  outside = NULL;
  return *blocked;
}

/* What is held and let in by the set comes first, and ends it. */
long mask_suspend(uintptr_t set, long size)
{
  uint64_t *blocked = mask_blocked();
  uint64_t before = *blocked, during = *(const uint64_t *)set;
  long result = -EINTR;

  outside = &before;
  *blocked = during & mask_kept;
  during &= ~mask_kept;
  if (held_signals() & ~*blocked)
    mask_release(false);
  else
    result = host_syscall2(SYS_rt_sigsuspend, &during, size);
  if (outside)                         /* else a handler has gone back to it */
    *blocked = before;
  outside = NULL;
  return result;
}
