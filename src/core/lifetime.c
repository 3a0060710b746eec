/* Grace periods. */
#include "core/lifetime.h"

#include <stdbool.h>
#include "core/thread.h"
#include "os/sync.h"
#include "os/threads.h"

enum {
  RETIRED_BEFORE_RECLAIM = 1024,      /* a power of two */
  EPOCH_BITS = 64 - LEVEL_EPOCH_SHIFT,
  EPOCHS_APART_MAX = 1 << (EPOCH_BITS - 1)
};
#define POLL_NS UINT64_C(50000)

static _Atomic(uint64_t) now;
static struct retired *oldest, **newest = &oldest;
static unsigned retired_count;

/* The epoch that a level began in, or an older one that looks the same. */
static uint64_t epoch_of(uint64_t level, uint64_t current)
{
  uint64_t behind = (current - (level >> LEVEL_EPOCH_SHIFT)) & ((1 << EPOCH_BITS) - 1);

  return current < behind ? 0 : current - behind;
}

/* The oldest epoch that an action under way began in; the caller's own may be left out. */
static uint64_t oldest_epoch_in_use(bool own_too)
{
  uint64_t current = atomic_load_explicit(&now, memory_order_seq_cst), lowest = UINT64_MAX;

  for (struct thread *thread = thread_first(); thread; thread = thread->next) {
    uint64_t level = atomic_load_explicit(&thread->level, memory_order_acquire);

    if (level && epoch_of(level, current) < lowest && thread_level_counts(thread, level, own_too))
      lowest = epoch_of(level, current);
  }
  return lowest;
}

/* Begins the next epoch; false where an action under way is so old that it would look new. */
static bool advance(uint64_t *epoch)
{
  uint64_t current = atomic_load_explicit(&now, memory_order_relaxed), in_use = oldest_epoch_in_use(true);

  if (in_use < current && current - in_use >= EPOCHS_APART_MAX)
    return false;
  *epoch = atomic_fetch_add_explicit(&now, 1, memory_order_seq_cst) + 1;
  do {                                 /* whoever stores last stores the newest */
    current = atomic_load_explicit(&now, memory_order_seq_cst);
    atomic_store_explicit(&capture_facts.epoch, current << LEVEL_EPOCH_SHIFT, memory_order_seq_cst);
  } while (atomic_load_explicit(&now, memory_order_seq_cst) != current);
  return true;
}

static void reclaim(void)
{
  uint64_t epoch, in_use;

  if (!advance(&epoch) || os_barrier())
    return;                            /* cannot be known: keep everything */
  in_use = oldest_epoch_in_use(true);
  while (oldest && oldest->epoch <= in_use) {
    struct retired *item = oldest;

    oldest = item->next;
    if (!oldest)
      newest = &oldest;
    retired_count--;
    item->release(item);
  }
}

void lifetime_retire(struct retired *item, void (*release)(struct retired *item))
{
  item->next = NULL;
  item->release = release;
  item->epoch = atomic_load_explicit(&now, memory_order_seq_cst) + 1;
  *newest = item;
  newest = &item->next;
  if ((++retired_count & (RETIRED_BEFORE_RECLAIM - 1)) == 0)
    reclaim();
}

sighook_status lifetime_wait(unsigned timeout_ms, struct error *error)
{
  uint64_t deadline = os_now_ns() + (uint64_t)timeout_ms * 1000000;
  uint64_t target;
  bool advanced = false;
  int failure;

  for (;;) {
    if (!advanced && (advanced = advance(&target)) && (failure = os_barrier()))
      return error_os(error, SIGHOOK_UNSUPPORTED, 0, "membarrier", failure);
    if (advanced && oldest_epoch_in_use(false) >= target)
      return SIGHOOK_OK;
    if (os_now_ns() >= deadline)
      return error_set(error, SIGHOOK_TIMED_OUT, 0, "a thread was still inside a handler after %u ms", timeout_ms);
    os_sleep_ns(POLL_NS);
  }
}

void lifetime_abandon(void)
{
  oldest = NULL;
  newest = &oldest;
  retired_count = 0;
}
