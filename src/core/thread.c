/* Thread records: made on a thread's first hit, with raw system calls only. */
#include "core/thread.h"

#include <errno.h>
#include <signal.h>
#include "host/host.h"
#include "os/maps.h"
#include "os/memory.h"
#include "os/stack.h"
#include "os/threads.h"

enum { TAKEOVER_TRIES = 8 };

struct thread thread_nobody = {.level = 1};
__thread struct thread *thread_self = &thread_nobody;
__thread struct thread *thread_record;
_Alignas(HOST_FACTS_ALIGN) struct capture_facts capture_facts;
__thread _Atomic(struct counter *) *thread_chunks;
__thread struct counter *thread_first_chunk;

static _Atomic(struct thread *) records;
static _Atomic(struct thread *) takeover_cursor;
static _Atomic(uint32_t) current_generation = 1;

void thread_start(void)
{
  uintptr_t pointer = (uintptr_t)__builtin_thread_pointer();

  capture_facts.self_offset = (int64_t)((uintptr_t)&thread_self - pointer);
  capture_facts.errno_offset = (int64_t)((uintptr_t)&errno - pointer);
}

struct thread *thread_first(void)
{
  return atomic_load_explicit(&records, memory_order_acquire);
}

/* Takes over the record of a thread that has died: one with no such thread any more, or with the caller's own id. */
static bool take_over(struct thread *record, int id, uint32_t generation)
{
  int old = atomic_load_explicit(&record->id, memory_order_relaxed);

  if (record->generation != generation || (old != id && old != 0 && os_thread_alive(old)))
    return false;
  return atomic_compare_exchange_strong_explicit(&record->id, &old, id, memory_order_acq_rel, memory_order_relaxed);
}

static struct thread *find_dead(int id, uint32_t generation)
{
  struct thread *record = atomic_load_explicit(&takeover_cursor, memory_order_relaxed);

  for (unsigned i = 0; i < TAKEOVER_TRIES; i++) {
    if (!record)
      record = thread_first();
    if (!record)
      return NULL;
    atomic_store_explicit(&takeover_cursor, record->next, memory_order_relaxed);
    if (take_over(record, id, generation))
      return record;
    record = record->next;
  }
  return NULL;
}

static struct thread *make_records(int id, uint32_t generation)
{
  size_t count = os_page_size() / sizeof(struct thread);
  struct thread *fresh = os_allocate(os_page_size());

  if (!fresh)
    return NULL;
  for (size_t i = 0; i < count; i++) {
    fresh[i].generation = generation;
    fresh[i].next = i + 1 < count ? &fresh[i + 1] : NULL;
  }
  atomic_store_explicit(&fresh[0].id, id, memory_order_relaxed);
  fresh[count - 1].next = thread_first();
  while (!atomic_compare_exchange_weak_explicit(&records, &fresh[count - 1].next, fresh, memory_order_acq_rel,
                                                memory_order_acquire))
    ;
  atomic_store_explicit(&takeover_cursor, &fresh[1], memory_order_relaxed);
  return fresh;
}

static struct thread *take_record(int id)
{
  uint32_t generation = atomic_load_explicit(&current_generation, memory_order_relaxed);
  struct thread *record = find_dead(id, generation);

  return record ? record : make_records(id, generation);
}

struct thread *thread_enter(void)
{
  int id;
  struct thread *record;

  if (thread_record)
    return thread_record;
  id = os_thread_id();
  record = take_record(id);
  if (!record)
    return NULL;
  atomic_store_explicit(&record->level, 0, memory_order_relaxed);
  atomic_store_explicit(&record->ignore, 0, memory_order_relaxed);
  os_stack_bounds(id, &record->stack_low, &record->stack_high);
  thread_chunks = record->chunks;
  thread_first_chunk = thread_chunks ? atomic_load_explicit(&thread_chunks[0], memory_order_relaxed) : NULL;
  thread_record = thread_self = record;
  return record;
}

void thread_ignore(struct thread *own, int change)
{
  uint64_t reasons = atomic_load_explicit(&own->ignore, memory_order_relaxed) + (uint64_t)(int64_t)change;

  if ((int64_t)reasons < 0)            /* the record came after the reason that goes */
    reasons = 0;
  atomic_store_explicit(&own->ignore, reasons, memory_order_relaxed);
  thread_self = reasons ? &thread_nobody : own;
}

static bool on_own_stack(const struct thread *thread, const struct frame *frame)
{
  uintptr_t address = (uintptr_t)frame;

  return address >= thread->stack_low && address < thread->stack_high;
}

bool thread_level_is_stale(const struct thread *thread, const struct frame *now)
{
  uint64_t level = atomic_load_explicit(&thread->level, memory_order_relaxed);
  const struct frame *outermost = host_level_frame(level);

  if (!on_own_stack(thread, now) || !on_own_stack(thread, outermost))
    return false;
  if (now < outermost && host_frame_stands(outermost))
    return false;
  return !os_on_signal_stack();
}

void thread_after_fork(bool known)
{
  if (known) {
    for (struct thread *record = thread_first(); record; record = record->next)
      if (record != thread_record) {
        atomic_store_explicit(&record->level, 0, memory_order_relaxed);
        atomic_store_explicit(&record->id, 0, memory_order_relaxed);
      }
    if (thread_record)
      atomic_store_explicit(&thread_record->id, os_thread_id(), memory_order_relaxed);
  } else {
    atomic_fetch_add_explicit(&current_generation, 1, memory_order_relaxed);
  }
}
