/* Grace periods. */
#include "core/lifetime.h"

#include <stdbool.h>
#include "core/thread.h"
#include "os/sync.h"
#include "os/threads.h"

enum { RETIRED_BEFORE_RECLAIM = 1024 };   /* a power of two */
#define POLL_NS UINT64_C(50000)

_Atomic(uint64_t) lifetime_epoch = 1;

static struct retired *oldest, **newest = &oldest;
static unsigned retired_count;

/* The oldest epoch that an action under way began in. */
static uint64_t oldest_epoch_in_use(const struct thread *except)
{
  uint64_t lowest = UINT64_MAX;

  for (struct thread *thread = thread_first(); thread; thread = thread->next) {
    uint64_t epoch = atomic_load_explicit(&thread->epoch, memory_order_acquire);

    if (thread == except || !epoch || epoch >= lowest)
      continue;
    if (os_thread_alive(atomic_load_explicit(&thread->id, memory_order_relaxed)))
      lowest = epoch;
  }
  return lowest;
}

static void reclaim(void)
{
  uint64_t in_use;

  if (!os_barrier())
    return;                            /* cannot be known: keep everything */
  in_use = oldest_epoch_in_use(NULL);
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
  item->epoch = atomic_fetch_add_explicit(&lifetime_epoch, 1, memory_order_seq_cst) + 1;
  *newest = item;
  newest = &item->next;
  if ((++retired_count & (RETIRED_BEFORE_RECLAIM - 1)) == 0)
    reclaim();
}

sighook_status lifetime_wait(unsigned timeout_ms, struct error *error)
{
  uint64_t deadline = os_now_ns() + (uint64_t)timeout_ms * 1000000;
  uint64_t target = atomic_fetch_add_explicit(&lifetime_epoch, 1, memory_order_seq_cst) + 1;

  if (!os_barrier())
    return error_set(error, SIGHOOK_UNSUPPORTED, 0, "the system refuses membarrier: it cannot be known when handlers have ended");
  while (oldest_epoch_in_use(thread_self) < target) {
    if (os_now_ns() >= deadline)
      return error_set(error, SIGHOOK_TIMED_OUT, 0, "a thread was still inside a handler after %u ms", timeout_ms);
    os_sleep_ns(POLL_NS);
  }
  return SIGHOOK_OK;
}

void lifetime_abandon(void)
{
  oldest = NULL;
  newest = &oldest;
  retired_count = 0;
}
