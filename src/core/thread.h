/* One record a thread that ever hit a site: what the capture routines need of it. Records are never freed; those of dead
 * threads are taken over by new ones. */
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/counters.h"

struct frame;

/* A level is one word, so that a capture stores it at once: the frame register of host/host.h plus the low bits of the epoch in
 * which the action began, above every address that a stack can have. */
enum { LEVEL_EPOCH_SHIFT = 52 };

struct thread {
  _Atomic(uint64_t) level;          /* the outermost action now running: its frame and epoch, see below; 0: none */
  _Atomic(uint64_t) ignore;         /* sighook_thread_ignore, and calls of the library under way */
  _Atomic(struct counter *) *chunks; /* COUNTER_CHUNKS_MAX of them; NULL until the first counted hit */
  _Atomic(int) id;                  /* the kernel's thread id */
  uintptr_t stack_low, stack_high;  /* the thread's own stack where it is known, else 0 */
  uint32_t generation;              /* of fork: records of another generation are left alone */
  struct thread *next;
  struct thread *inner;             /* a record of the same thread for an action inside this one's, see thread_inner */
} __attribute__((aligned(128)));    /* two lines: the adjacent-line prefetcher shares pairs */

/* What every capture reads, side by side. */
struct capture_facts {
  _Atomic(uint64_t) epoch;             /* the low bits of the current epoch, where a level has them: see core/lifetime.h */
  int64_t self_offset, errno_offset;   /* of thread_self and errno from the thread pointer on: the same for every thread */
};
extern struct capture_facts capture_facts __attribute__((visibility("hidden")));

/* What captures go by: the thread's record, or thread_nobody where it has none yet or ignores hits. */
extern __thread struct thread *thread_self __attribute__((visibility("hidden")));
/* Always inside an action, so that one test sends captures aside for whatever is not the ordinary case. */
extern struct thread thread_nobody __attribute__((visibility("hidden")));
/* The frame register of a capture that has left its routine for C while no level may tell of it; 0: there is none. */
extern __thread uint64_t thread_capture __attribute__((visibility("hidden")));
/* The thread's record; NULL before its first hit. */
extern __thread struct thread *thread_record __attribute__((visibility("hidden")));
/* The same as thread_record->chunks and its first one, for the counting part of stubs. */
extern __thread _Atomic(struct counter *) *thread_chunks __attribute__((visibility("hidden")));
extern __thread struct counter *thread_first_chunk __attribute__((visibility("hidden")));

/* Before the first record is made. */
void thread_start(void);

/* The calling thread's record, made or taken over at the first call; NULL where memory is refused. Async-signal-safe; general
 * registers only, since it runs before an integer-only capture has saved any other. */
struct thread *thread_enter(void);

/* The record for an action on the frame `now` that runs inside the outermost one: `thread` itself where it surely ends first. On
 * stacks that are not the thread's own, coroutines', it may go on when the other one has ended, maybe on another thread: then a
 * record of its own, or NULL where memory is refused. */
struct thread *thread_inner(struct thread *thread, const struct frame *now);

/* Adds to the number of reasons for which this thread ignores hits. [anywhere] */
void thread_ignore(struct thread *own, int change);

/* Visits every record, newest first. [lock-free] */
struct thread *thread_first(void);

/* The outermost action of this thread was left by longjmp, as far as that can be told: the frame under way now lies where it
 * lay, or above it on the same stack, or what stood below its frame has been overwritten. */
bool thread_level_is_stale(const struct thread *thread, const struct frame *now);

/* Whether the caller has to reckon with the action of that level, not 0, of the record: not where its thread has ended together
 * with the stack that it ran on, nor where it is the caller's, who runs inside it or has left it for good. A coroutine may be
 * gone on with by any thread. */
bool thread_level_counts(struct thread *thread, uint64_t level, bool own_too);

/* In a forked child: of the inherited records only the calling thread's own is in use. `known` says whether the caller is
 * certainly the only thread (pthread_atfork), so that the others' records may be taken over. */
void thread_after_fork(bool known);

#endif
