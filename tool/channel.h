/* What the command and the agents in its target processes share: one memory file, mapped by all, growing from its start.
 * Offsets instead of pointers; everything is published by a release store of a state or of an offset. The command takes
 * back what belonged to processes that have ended, so that a build of a hundred thousand processes fits. What it finds here it
 * doubts: see doubt.h. */
#ifndef TOOL_CHANNEL_H
#define TOOL_CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/counters.h"

enum {
  CHANNEL_MAGIC = 0x53484334,          /* "SHC4" */
  CHANNEL_PROCESSES = 4096,            /* at a time */
  CHANNEL_PROCESS_SIZE = 16384,
  CHANNEL_NOTES = 256,
  CHANNEL_PATH = 256,
  CHANNEL_REASON = 640                 /* longest text of why a site was refused, with its end */
};
#define CHANNEL_SIZE (UINT64_C(1) << 30)        /* of address space; only what is used takes memory */
/* Where the agent asks for it: far from all code, whose short jumps need the address space around. Elsewhere if that is not to be had. */
#define CHANNEL_PLACE ((void *)(UINT64_C(1) << 45))

/* The agent brings two variables along, always two: see environment.c. */
#define CHANNEL_ENVIRONMENT "SIGHOOK_CHANNEL"   /* =PATH of the memory file */
#define CHANNEL_PADDING "SIGHOOK_PADDING"

/* A function to count. The command fills in the request, the agent the answer. */
struct channel_site {
  uint64_t offset;                     /* from the module's load bias */
  uint32_t module;                     /* in the order of the process's modules */
  uint32_t is_ifunc;
  uint64_t target;                     /* IFUNC: offset of the chosen function in target_module */
  uint32_t target_module;
  uint32_t counter;                    /* the number of its counter */
  uint32_t reason;                     /* offset of the text in the image; 0: see status */
  uint16_t status;                     /* sighook_status */
  uint8_t answer;                      /* enum channel_answer */
  uint8_t entry;                       /* sighook_entry */
};

/* A system call that changes what becomes of signals, in code of a module. */
struct channel_call {
  uint64_t offset;                     /* from the load bias: where it is met */
  uint32_t module;
  uint32_t number, length;             /* as struct arch_call has them, from there to its end */
  uint32_t passed;                     /* 1: met at a call of the function that makes it, which gets something of
                                          libc's, the number, and the call's arguments */
};

enum channel_answer { ANSWER_NONE, ANSWER_HOOKED, ANSWER_SAME, ANSWER_REFUSED };

/* One executed program: what is counted in it, shared with the children that it forks. */
struct channel_image {
  uint64_t size;
  _Atomic(uint32_t) references;        /* processes, and forks under way */
  uint32_t site_count;
  uint32_t thread_counter;             /* number of the counter of threads started, plus one; 0: none */
  uint32_t reasons_used;               /* offset of the first free byte for texts */
  uint32_t calls, call_count;          /* offset of those of all modules */
  uint32_t wild;                       /* offset of the name of a module that has others; 0: none has */
  uint32_t force_trap;                 /* traps even where a branch fits, for tests */
  struct channel_site sites[];
};

/* The counters that one thread took for one chunk of numbers. */
struct channel_chunk {
  uint64_t next;                       /* offset of the process's next chunk; 0: last. First: links free ones */
  uint32_t number, unused;
  struct counter counters[COUNTER_CHUNK];
};

enum channel_state { PROCESS_FREE, PROCESS_TAKEN, PROCESS_ASKS, PROCESS_TOLD, PROCESS_REFUSED, PROCESS_RUNS, PROCESS_LISTS };

/* One address space with an agent. */
struct channel_process {
  uint64_t next;                       /* links free ones */
  _Atomic(uint32_t) state;             /* a futex */
  int32_t id;
  uint64_t id_space;                   /* which numbering of processes the id belongs to */
  _Atomic(uint64_t) chunks;            /* offset of the chunk taken last */
  _Atomic(uint64_t) refused_chunks;    /* threads whose hits are not counted, for want of memory */
  uint64_t image;
  uint32_t module_count;               /* 0 in forked children */
  uint32_t unused;
  /* Of each module: load bias, path, zero bytes up to a multiple of 8. */
  _Alignas(8) char modules[CHANNEL_PROCESS_SIZE - 56];
};
_Static_assert(sizeof(struct channel_process) == CHANNEL_PROCESS_SIZE, "processes lie side by side");

/* Free blocks, linked by their first word: the offset of the first one, and above it a number that grows with every change,
 * so that a compare-and-swap sees a block that was taken and given back meanwhile. */
struct channel_list {
  _Atomic(uint64_t) head;
};

struct channel {
  uint32_t magic;
  _Atomic(uint32_t) bell;              /* a futex; rung by every agent that asks */
  _Atomic(uint32_t) process_count;     /* processes[] from here on was never used */
  _Atomic(uint32_t) processes_refused; /* for want of a place */
  _Atomic(uint32_t) note_count;
  uint32_t follow;                     /* whether children and executed programs are followed */
  _Atomic(uint64_t) used;              /* bytes of the file */
  struct channel_list free_processes, free_chunks;
  uint64_t subject_device, subject_inode;   /* of a library that is listed in place of a program; 0: none is */
  uint64_t listing;                    /* offset of what a process with PROCESS_LISTS answers: see listing.h */
  char path[64];                       /* of this file */
  char agent[4096];                    /* path of the agent */
  char notes[CHANNEL_NOTES][CHANNEL_PATH];   /* programs that were not followed, and why */
  _Alignas(4096) struct channel_process processes[CHANNEL_PROCESSES];
};

static inline void *channel_at(struct channel *channel, uint64_t offset)
{
  return (char *)channel + offset;
}

/* The offset of `size` fresh zeroed bytes of the first `mapped`; 0 where there are none. */
static inline uint64_t channel_take(struct channel *channel, uint64_t size, uint64_t mapped)
{
  uint64_t rounded = (size + 63) & ~UINT64_C(63);
  uint64_t at = atomic_load_explicit(&channel->used, memory_order_relaxed);

  do {
    if (rounded > mapped || at > mapped - rounded)
      return 0;
  } while (!atomic_compare_exchange_weak_explicit(&channel->used, &at, at + rounded, memory_order_relaxed,
                                                  memory_order_relaxed));
  return at;
}

enum { CHANNEL_OFFSET_BITS = 32 };

/* Agents take, the command gives; nothing from `end` on. [lock-free] */
static inline uint64_t channel_pop(struct channel *channel, struct channel_list *list, uint64_t end)
{
  uint64_t head = atomic_load_explicit(&list->head, memory_order_acquire);

  for (;;) {
    uint64_t offset = (uint32_t)head, next;

    if (!offset || offset >= end)
      return 0;
    next = __atomic_load_n((uint64_t *)channel_at(channel, offset), __ATOMIC_RELAXED);
    next = ((head >> CHANNEL_OFFSET_BITS) + 1) << CHANNEL_OFFSET_BITS | (uint32_t)next;
    if (atomic_compare_exchange_weak_explicit(&list->head, &head, next, memory_order_acquire, memory_order_acquire))
      return offset;
  }
}

static inline void channel_push(struct channel *channel, struct channel_list *list, uint64_t offset)
{
  uint64_t head = atomic_load_explicit(&list->head, memory_order_relaxed), first;

  do {
    __atomic_store_n((uint64_t *)channel_at(channel, offset), (uint32_t)head, __ATOMIC_RELAXED);
    first = ((head >> CHANNEL_OFFSET_BITS) + 1) << CHANNEL_OFFSET_BITS | offset;
  } while (!atomic_compare_exchange_weak_explicit(&list->head, &head, first, memory_order_release, memory_order_relaxed));
}

#endif
