/* Counters of hits, thread by thread. */
#include "core/counters.h"

#include "core/hook.h"
#include "core/tally.h"
#include "core/thread.h"
#include "os/memory.h"

static counter_source *source;
static uint32_t numbers_used;

static struct counter *private_chunk(uint32_t chunk)
{
  (void)chunk;
  return os_allocate(COUNTER_CHUNK * sizeof(struct counter));
}

void counters_set_source(counter_source *new_source)
{
  source = new_source;
}

bool tally_has_source(void)
{
  return source != NULL;
}

struct counter *tally_of(struct thread *thread, uint32_t number)
{
  uint32_t chunk = number / COUNTER_CHUNK;
  struct counter *counters;

  if (!thread->chunks) {
    _Atomic(struct counter *) *chunks = os_allocate(COUNTER_CHUNKS_MAX * sizeof *chunks);

    if (!chunks)
      return NULL;
    __atomic_store_n(&thread->chunks, chunks, __ATOMIC_RELEASE);      /* pairs with tally_sum; else its thread alone reads it */
    if (thread == thread_record)
      thread_chunks = thread->chunks;
  }
  counters = atomic_load_explicit(&thread->chunks[chunk], memory_order_relaxed);
  if (!counters) {
    counters = (source ? source : private_chunk)(chunk);
    atomic_store_explicit(&thread->chunks[chunk], counters, memory_order_release);
    if (chunk == 0 && thread == thread_record)
      thread_first_chunk = counters;
  }
  return counters ? &counters[number % COUNTER_CHUNK] : NULL;
}

bool tally_take(int32_t *number)
{
  if (numbers_used == COUNTER_CHUNK * COUNTER_CHUNKS_MAX)
    return false;
  *number = (int32_t)numbers_used++;
  return true;
}

struct counter tally_sum(uint32_t number)
{
  struct counter sum = {0};

  for (struct thread *thread = thread_first(); thread; thread = thread->next) {
    _Atomic(struct counter *) *chunks = __atomic_load_n(&thread->chunks, __ATOMIC_ACQUIRE);
    struct counter *counters = chunks ? atomic_load_explicit(&chunks[number / COUNTER_CHUNK], memory_order_acquire) : NULL;

    if (counters) {
      sum.hits += __atomic_load_n(&counters[number % COUNTER_CHUNK].hits, __ATOMIC_RELAXED);
      sum.missed += __atomic_load_n(&counters[number % COUNTER_CHUNK].missed, __ATOMIC_RELAXED);
    }
  }
  return sum;
}

void counters_restart(void)
{
  struct thread *thread = thread_record;

  thread_first_chunk = NULL;
  if (thread && thread->chunks)
    for (uint32_t i = 0; i < COUNTER_CHUNKS_MAX; i++)
      atomic_store_explicit(&thread->chunks[i], NULL, memory_order_relaxed);
}

bool counters_number(sighook_hook handle, uint32_t *number)
{
  struct hook *hook = hook_find(handle);

  if (!hook || !hook->count)
    return false;
  *number = (uint32_t)hook->site->counter;
  return true;
}
