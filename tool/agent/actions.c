/* What the program asked for by rt_sigaction. The kernel has our own handler in the place of each of its handlers, and the library's
 * for what is kept. See signals.h. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include "raw_syscall.h"
#include "signals.h"
#include "trap/trap.h"

enum { WORDS = 4 };

/* Written by one at a time, who has every signal blocked; read anywhere. */
static struct record {
  _Atomic(uint32_t) version;           /* odd while it is written */
  _Atomic(uint64_t) handler, flags, restorer, mask;
} records[SIGNALS + 1];

static _Atomic(uint32_t) writer;       /* the process whose thread writes; 0: none */

/* ---- records ---- */

struct kernel_action action_of_signal(int number)
{
  struct record *record = &records[number];
  struct kernel_action action;
  uint32_t version;

  do {
    version = atomic_load_explicit(&record->version, memory_order_acquire);
    action.handler = atomic_load_explicit(&record->handler, memory_order_relaxed);
    action.flags = atomic_load_explicit(&record->flags, memory_order_relaxed);
    action.restorer = atomic_load_explicit(&record->restorer, memory_order_relaxed);
    action.mask = atomic_load_explicit(&record->mask, memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
  } while ((version & 1) || version != atomic_load_explicit(&record->version, memory_order_relaxed));
  return action;
}

static void write_record(int number, const struct kernel_action *action)
{
  struct record *record = &records[number];
  uint32_t version = atomic_load_explicit(&record->version, memory_order_relaxed);

  atomic_store_explicit(&record->version, version + 1, memory_order_relaxed);
  atomic_thread_fence(memory_order_release);
  atomic_store_explicit(&record->handler, action->handler, memory_order_relaxed);
  atomic_store_explicit(&record->flags, action->flags, memory_order_relaxed);
  atomic_store_explicit(&record->restorer, action->restorer, memory_order_relaxed);
  atomic_store_explicit(&record->mask, action->mask, memory_order_relaxed);
  atomic_store_explicit(&record->version, version + 2, memory_order_release);
}

/* A process that was forked meanwhile inherits the word, and a record half written, but not the thread that writes. */
static void take_over(void)
{
  for (unsigned i = 1; i <= SIGNALS; i++) {
    uint32_t version = atomic_load_explicit(&records[i].version, memory_order_relaxed);

    atomic_store_explicit(&records[i].version, version + (version & 1), memory_order_relaxed);
  }
}

static void lock(uint64_t *mask)
{
  const uint64_t all = UINT64_MAX;
  uint32_t own = (uint32_t)host_syscall0(SYS_getpid), found;

  host_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &all, mask, sizeof all);
  while (found = 0, !atomic_compare_exchange_strong_explicit(&writer, &found, own, memory_order_acquire, memory_order_relaxed)) {
    if (found == own) {
      host_syscall0(SYS_sched_yield);
    } else if (atomic_compare_exchange_strong_explicit(&writer, &found, own, memory_order_acquire, memory_order_relaxed)) {
      take_over();
      return;
    }
  }
}

static void unlock(const uint64_t *mask)
{
  atomic_store_explicit(&writer, 0, memory_order_release);
  host_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, mask, 0, sizeof *mask);
}

/* No call of memcpy. */
static void copy(struct kernel_action *to, const struct kernel_action *from)
{
  to->handler = from->handler;
  to->flags = from->flags;
  to->restorer = from->restorer;
  to->mask = from->mask;
}

bool action_spend(int number, const struct kernel_action *seen)
{
  struct kernel_action spent;
  uint64_t mask;
  bool is_seen;

  lock(&mask);
  is_seen = action_of_signal(number).handler == seen->handler;
  copy(&spent, seen);
  spent.handler = (uintptr_t)SIG_DFL;                      /* and nothing else, as the kernel does */
  if (is_seen)
    write_record(number, &spent);
  unlock(&mask);
  return is_seen;
}

/* ---- the system call ---- */

static bool is_function(uintptr_t handler)
{
  return handler != (uintptr_t)SIG_DFL && handler != (uintptr_t)SIG_IGN;
}

/* SIGKILL's action is refused, but only after it was read. */
static bool can_read(const struct kernel_action *action)
{
  return host_syscall4(SYS_rt_sigaction, SIGKILL, action, 0, sizeof action->mask) != -EFAULT;
}

static long kernel_action(int number, const struct kernel_action *action, struct kernel_action *old, long size)
{
  return host_syscall4(SYS_rt_sigaction, number, action, old, size);
}

/* Whether a system call that one which was sent interrupts goes on afterwards is the kernel's to know. */
static void restart_as_asked(int number, const struct kernel_action *action)
{
  struct kernel_action librarys;
  unsigned long asked = is_function(action->handler) ? action->flags & SA_RESTART : SA_RESTART;

  kernel_action(number, NULL, &librarys, sizeof librarys.mask);
  librarys.flags = (librarys.flags & ~(unsigned long)SA_RESTART) | asked;
  kernel_action(number, &librarys, NULL, sizeof librarys.mask);
}

/* Of a signal that is kept: only recorded. A child that shares our memory is about to be another program: it cannot have handlers
 * of its own for these, and what it ignores counts when it executes that. */
static long record_kept(int number, const struct kernel_action *action, struct kernel_action *old)
{
  struct mask_child *child = mask_child();
  struct kernel_action wanted;
  long result;

  if (action)
    copy(&wanted, action);               /* they may be one */
  result = kernel_action(number, NULL, old, sizeof wanted.mask);
  if (!action || result != 0)
    return result;
  if (!child) {
    write_record(number, &wanted);
    restart_as_asked(number, &wanted);
  } else if (wanted.handler == (uintptr_t)SIG_IGN) {
    child->ignored |= signal_bit(number);
  } else {
    child->ignored &= ~signal_bit(number);
  }
  return 0;
}

/* Of any other: where it is a handler the kernel gets ours, which runs with what is kept open. */
static long install(int number, const struct kernel_action *action, struct kernel_action *old, bool in_child)
{
  struct kernel_action ours, before = action_of_signal(number);
  long result;

  copy(&ours, action);
  if (is_function(action->handler))
    ours.mask &= ~mask_kept;
  if (is_function(action->handler) && !in_child) {
    ours.handler = (uintptr_t)deliver;
    ours.flags |= SA_SIGINFO;
  }
  if (!in_child)
    write_record(number, action);
  result = kernel_action(number, &ours, old, sizeof ours.mask);
  if (result != 0 && !in_child)
    write_record(number, &before);
  return result;
}

/* From what the kernel has, or had, to what the program asked for: `before`. */
static void translate(struct kernel_action *kernels, const struct kernel_action *before, bool is_kept)
{
  bool is_spent = kernels->handler == (uintptr_t)SIG_DFL && is_function(before->handler);   /* the kernel's own doing */

  if (!is_kept && !is_spent && kernels->handler != (uintptr_t)deliver)
    return;
  copy(kernels, before);
  if (is_spent && !is_kept)
    kernels->handler = (uintptr_t)SIG_DFL;
}

long action_change(int number, uintptr_t action, uintptr_t old, long size)
{
  const struct kernel_action *wanted = (const struct kernel_action *)action;
  struct kernel_action *told = (struct kernel_action *)old, before;
  bool in_child = mask_in_child(), is_kept;
  uint64_t mask;
  long result;

  if (number < 1 || number > SIGNALS || size != sizeof mask || (wanted && !can_read(wanted)))
    return kernel_action(number, wanted, told, size);
  if (!in_child)
    lock(&mask);
  is_kept = trap_handles(number);
  before = action_of_signal(number);
  result = wanted && !is_kept ? install(number, wanted, told, in_child) : record_kept(number, is_kept ? wanted : NULL, told);
  if (told && result == 0)
    translate(told, &before, is_kept);
  if (!in_child)
    unlock(&mask);
  return result;
}

uint64_t actions_ignored(void)
{
  uint64_t ignored = 0;

  for (int number = SIGILL; number <= SIGTRAP; number++)
    if (trap_handles(number) && action_of_signal(number).handler == (uintptr_t)SIG_IGN)
      ignored |= signal_bit(number);
  return ignored;
}

/* Before the library's handlers come. */
void action_start(void)
{
  for (int number = SIGILL; number <= SIGTRAP; number++) {
    struct kernel_action action;

    if (kernel_action(number, NULL, &action, sizeof action.mask) == 0)
      write_record(number, &action);
  }
}
