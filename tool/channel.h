/* What the command and the agents in its target processes share: one memory file, mapped by all, growing from its start.
 * Offsets instead of pointers; everything is published by a release store of a state or of an offset. */
#ifndef TOOL_CHANNEL_H
#define TOOL_CHANNEL_H

#include <stdatomic.h>
#include <stdint.h>
#include "core/counters.h"

enum {
  CHANNEL_MAGIC = 0x53484331,          /* "SHC1" */
  CHANNEL_PROCESSES = 4096,
  CHANNEL_NOTES = 256,
  CHANNEL_PATH = 256,
  CHANNEL_REASON = 256
};
#define CHANNEL_SIZE (UINT64_C(1) << 30)        /* of address space; only what is used takes memory */

#define CHANNEL_ENVIRONMENT "SIGHOOK_CHANNEL"   /* =PATH of the memory file */

/* A function to count. The command fills the request, the agent the answer. */
struct channel_site {
  uint64_t address;                    /* IFUNC: of the resolver; the agent stores the chosen target */
  uint32_t name, module;               /* offsets of texts */
  uint32_t is_ifunc;
  uint32_t counter;                    /* the agent's: number of the counter */
  uint32_t answer;                     /* enum channel_answer */
  uint32_t entry;                      /* sighook_entry */
  char reason[CHANNEL_REASON];         /* why it was not hooked */
};

enum channel_answer { ANSWER_NONE, ANSWER_HOOKED, ANSWER_SAME, ANSWER_REFUSED };

/* The counters that one thread took for one chunk of numbers. */
struct channel_chunk {
  uint64_t next;                       /* offset of the process's next chunk; 0: last */
  uint32_t number, thread;
  struct counter counters[COUNTER_CHUNK];
};

enum channel_state { PROCESS_FREE, PROCESS_ASKS, PROCESS_TOLD, PROCESS_REFUSED, PROCESS_RUNS };

struct channel_process {
  _Atomic(uint32_t) state;             /* a futex */
  int32_t id;
  uint64_t sites;                      /* offset of `site_count` sites; a forked child shares its parent's */
  uint32_t site_count, forked;
  _Atomic(uint64_t) chunks;            /* offset of the chunk taken last */
  _Atomic(uint64_t) lost;              /* hits on chunks that could not be had are not counted: chunks refused */
  char program[CHANNEL_PATH];
};

struct channel {
  uint32_t magic;
  int32_t command_id;                  /* process id of the command */
  _Atomic(uint32_t) bell;              /* a futex; rung by every agent that asks */
  _Atomic(uint32_t) process_count;
  _Atomic(uint32_t) note_count;
  _Atomic(uint64_t) used;              /* bytes of the file */
  char agent[CHANNEL_PATH];            /* path of the agent, for programs executed later */
  char path[CHANNEL_PATH];             /* path of this file, likewise */
  uint32_t follow;                     /* whether executed programs are followed */
  char notes[CHANNEL_NOTES][CHANNEL_PATH];   /* programs that were not followed, and why */
  struct channel_process processes[CHANNEL_PROCESSES];
};

/* The offset of `size` fresh zeroed bytes; 0 where the file is full. */
static inline uint64_t channel_take(struct channel *channel, uint64_t size)
{
  uint64_t rounded = (size + 63) & ~UINT64_C(63);
  uint64_t at = atomic_fetch_add_explicit(&channel->used, rounded, memory_order_relaxed);

  return at + rounded <= CHANNEL_SIZE ? at : 0;
}

static inline void *channel_at(struct channel *channel, uint64_t offset)
{
  return (char *)channel + offset;
}

#endif
