/* Thread records: made on a thread's first hit, with raw system calls only. */
#include "core/thread.h"

#include <errno.h>
#include <signal.h>
#include "host/host.h"
#include "os/maps.h"
#include "os/memory.h"
#include "os/signals.h"
#include "os/stack.h"
#include "os/threads.h"

enum { TAKEOVER_TRIES = 8 };

struct thread thread_nobody = {.level = 1};
__thread struct thread *thread_self = &thread_nobody;
__thread uint64_t thread_capture;
__thread struct thread *thread_record;
_Alignas(HOST_FACTS_ALIGN) struct capture_facts capture_facts;
__thread _Atomic(struct counter *) *thread_chunks;
__thread struct counter *thread_first_chunk;

static _Atomic(struct thread *) records;
static _Atomic(struct thread *) takeover_cursor;   /* release and acquire: who finds a record there reads it */
static _Atomic(uint32_t) last_generation = 1;    /* that anybody wanted to begin */
static _Atomic(_Atomic(uint32_t) *) fork_word;   /* the generation; 0 in a child in which nobody has asked for it yet */

void thread_start(void)
{
  uintptr_t pointer = (uintptr_t)__builtin_thread_pointer();
  _Atomic(uint32_t) *word = (_Atomic(uint32_t) *)os_allocate_fork_word();

  if (word)
    atomic_store_explicit(word, 1, memory_order_relaxed);
  atomic_store_explicit(&fork_word, word, memory_order_release);    /* pairs with find_generation */
  capture_facts.self_offset = (int64_t)((uintptr_t)&thread_self - pointer);
  capture_facts.errno_offset = (int64_t)((uintptr_t)&errno - pointer);
}

struct thread *thread_first(void)
{
  return atomic_load_explicit(&records, memory_order_acquire);
}

static bool on_own_stack(const struct thread *thread, const struct frame *frame)
{
  uintptr_t address = (uintptr_t)frame;

  return address >= thread->stack_low && address < thread->stack_high;
}

/* A coroutine that was left inside an action may outlast its thread. */
static bool may_be_gone_on_with(const struct thread *record)
{
  uint64_t level = atomic_load_explicit(&record->level, memory_order_acquire);

  return level && !on_own_stack(record, host_level_frame(level));
}

/* Takes over the record of a thread that has died: one with no such thread any more, or, if it is to be the first one of the
 * caller's, with the caller's id. */
static bool take_over(struct thread *record, int id, uint32_t generation)
{
  int old = atomic_load_explicit(&record->id, memory_order_relaxed);

  if (record->generation != generation || may_be_gone_on_with(record) ||
      (old != 0 && (old == id ? thread_record != NULL : os_thread_alive(old))))
    return false;
  return atomic_compare_exchange_strong_explicit(&record->id, &old, id, memory_order_acq_rel, memory_order_relaxed);
}

static struct thread *find_dead(int id, uint32_t generation)
{
  struct thread *record = atomic_load_explicit(&takeover_cursor, memory_order_acquire);

  for (unsigned i = 0; i < TAKEOVER_TRIES; i++) {
    if (!record)
      record = thread_first();
    if (!record)
      return NULL;
    atomic_store_explicit(&takeover_cursor, record->next, memory_order_release);
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
  atomic_store_explicit(&takeover_cursor, &fresh[1], memory_order_release);
  return fresh;
}

/* In a child that was forked behind our back, the records of the parent's threads are left alone: one is the forking thread's. Of
 * several threads that ask there first, one settles it for all. */
static uint32_t find_generation(void)
{
  _Atomic(uint32_t) *word = atomic_load_explicit(&fork_word, memory_order_acquire);
  uint32_t generation = atomic_load_explicit(word ? word : &last_generation, memory_order_acquire), next;

  if (generation)
    return generation;
  next = atomic_fetch_add_explicit(&last_generation, 1, memory_order_relaxed) + 1;
  if (!atomic_compare_exchange_strong_explicit(word, &generation, next, memory_order_acq_rel, memory_order_acquire))
    return generation;
  return next;
}

static struct thread *take_record(int id)
{
  uint32_t generation = find_generation();
  struct thread *record = find_dead(id, generation);

  if (!record)
    record = make_records(id, generation);
  if (!record)
    return NULL;
  atomic_store_explicit(&record->level, 0, memory_order_relaxed);
  atomic_store_explicit(&record->ignore, 0, memory_order_relaxed);
  record->inner = NULL;
  return record;
}

static struct thread *begin_record(void)
{
  int id = os_thread_id();
  struct thread *record = take_record(id);

  if (!record)
    return NULL;
  os_stack_bounds(id, &record->stack_low, &record->stack_high);
  thread_chunks = record->chunks;
  thread_first_chunk = thread_chunks ? atomic_load_explicit(&thread_chunks[0], memory_order_relaxed) : NULL;
  thread_record = thread_self = record;
  return record;
}

/* Compilers make calls of memset and memcpy of what is done meanwhile: where these are hooked, such hits are ours, not the program's,
 * and would begin a record again without end. Signal handlers, whose hits are the program's, wait. */
struct thread *thread_enter(void)
{
  static __thread bool entering;
  struct thread *record;
  uint64_t mask;

  if (thread_record || entering)
    return thread_record;
  mask = os_signal_mask();
  os_signal_restore(mask | OS_SIGNALS_THAT_COME);
  entering = true;
  record = begin_record();
  entering = false;
  os_signal_restore(mask);
  return record;
}

struct thread *thread_inner(struct thread *thread, const struct frame *now)
{
  struct thread **link = &thread->inner;

  if (on_own_stack(thread, now) && !may_be_gone_on_with(thread))
    return thread;
  while (*link && atomic_load_explicit(&(*link)->level, memory_order_relaxed))
    link = &(*link)->inner;
  if (!*link && (*link = take_record(os_thread_id()))) {
    (*link)->stack_low = thread->stack_low;
    (*link)->stack_high = thread->stack_high;
  }
  return *link;
}

void thread_ignore(struct thread *own, int change)
{
  uint64_t reasons = atomic_load_explicit(&own->ignore, memory_order_relaxed) + (uint64_t)(int64_t)change;

  if ((int64_t)reasons < 0)            /* the record came after the reason that goes */
    reasons = 0;
  atomic_store_explicit(&own->ignore, reasons, memory_order_relaxed);
  thread_self = reasons ? &thread_nobody : own;
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

/* Whether the caller's stack pointer lies below the frame on the same stack, as far as that can be told. */
static bool runs_below(const struct frame *frame)
{
  uintptr_t here = (uintptr_t)&frame;
  struct os_mapping mapping;
  struct os_maps maps;
  bool below;

  if (here >= (uintptr_t)frame || os_maps_open(&maps) != 0)
    return false;
  below = os_maps_find(&maps, here, &mapping) && (uintptr_t)frame < mapping.end;
  os_maps_close(&maps);
  return below;
}

bool thread_level_counts(struct thread *thread, uint64_t level, bool own_too)
{
  const struct frame *frame = host_level_frame(level), *here = (const struct frame *)&frame;
  int id = atomic_load_explicit(&thread->id, memory_order_relaxed);

  if (own_too || id != os_thread_id())
    return !on_own_stack(thread, frame) || os_thread_alive(id);
  if (!thread->stack_high)             /* its first hit was on another stack */
    os_stack_bounds(id, &thread->stack_low, &thread->stack_high);
  if (on_own_stack(thread, frame) != on_own_stack(thread, here))
    return true;
  return !on_own_stack(thread, frame) && !runs_below(frame);
}

void thread_after_fork(bool known)
{
  int id = os_thread_id();
  _Atomic(uint32_t) *word = atomic_load_explicit(&fork_word, memory_order_relaxed);
  int before = thread_record ? atomic_load_explicit(&thread_record->id, memory_order_relaxed) : id;

  if (known && word)
    atomic_store_explicit(word, atomic_load_explicit(&last_generation, memory_order_relaxed), memory_order_release);
  else if (!known && word)
    find_generation();
  else if (!known)
    atomic_fetch_add_explicit(&last_generation, 1, memory_order_relaxed);
  for (struct thread *record = thread_first(); record; record = record->next)
    if (atomic_load_explicit(&record->id, memory_order_relaxed) == before) {
      atomic_store_explicit(&record->id, id, memory_order_relaxed);
    } else if (known) {
      atomic_store_explicit(&record->level, 0, memory_order_relaxed);
      atomic_store_explicit(&record->id, 0, memory_order_relaxed);
    }
}
