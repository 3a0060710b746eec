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
} __attribute__((aligned(128)));    /* two lines: the adjacent-line prefetcher shares pairs */

extern __thread struct thread *thread_self __attribute__((visibility("hidden")));
/* Where errno is, from the thread pointer on: the same for every thread. */
extern int64_t thread_errno_offset __attribute__((visibility("hidden")));
/* The same chunk array as thread_self->chunks, for the counting part of stubs. */
extern __thread _Atomic(struct counter *) *thread_chunks __attribute__((visibility("hidden")));

/* Before the first record is made. */
void thread_start(void);

/* The calling thread's record, made or taken over if need be; NULL where memory is refused. Async-signal-safe; general
 * registers only, since it runs before an integer-only capture has saved any other. */
struct thread *thread_enter(void);

/* Visits every record, newest first. [lock-free] */
struct thread *thread_first(void);

/* The outermost action of this thread was left by longjmp, as far as that can be told: the frame under way now lies where it
 * lay, or above it on the same stack, or what stood below its frame has been overwritten. */
bool thread_level_is_stale(const struct thread *thread, const struct frame *now);

/* In a forked child: of the inherited records only the calling thread's own is in use. `known` says whether the caller is
 * certainly the only thread (pthread_atfork), so that the others' records may be taken over. */
void thread_after_fork(bool known);

#endif
