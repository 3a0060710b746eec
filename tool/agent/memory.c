/* What the agent takes of the channel's memory. Runs on hits: raw system calls, general registers, no lock. */
#include "agent.h"
#include "raw_syscall.h"

struct channel_process *take_process(void)
{
  struct channel_process *process;
  uint64_t offset = channel_pop(channel, &channel->free_processes, channel_mapped - sizeof *process);

  if (offset) {
    process = channel_at(channel, offset);
  } else {
    uint32_t index = atomic_load_explicit(&channel->process_count, memory_order_relaxed);

    do {
      if (index >= CHANNEL_PROCESSES) {
        atomic_fetch_add_explicit(&channel->processes_refused, 1, memory_order_relaxed);
        return NULL;
      }
    } while (!atomic_compare_exchange_weak_explicit(&channel->process_count, &index, index + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    process = &channel->processes[index];
  }
  process->id = (int32_t)host_syscall0(SYS_getpid);
  atomic_store_explicit(&process->state, PROCESS_TAKEN, memory_order_release);   /* pairs with the sweep's load */
  return process;
}

struct counter *take_chunk(uint32_t number)
{
  struct channel_chunk *chunk;
  uint64_t offset;

  if (!self)
    return NULL;
  offset = channel_pop(channel, &channel->free_chunks, channel_mapped - sizeof *chunk);
  if (!offset)
    offset = channel_take(channel, sizeof *chunk, channel_mapped);
  if (!offset) {
    atomic_fetch_add_explicit(&self->refused_chunks, 1, memory_order_relaxed);
    return NULL;
  }
  chunk = channel_at(channel, offset);
  chunk->number = number;
  chunk->next = atomic_load_explicit(&self->chunks, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&self->chunks, &chunk->next, offset, memory_order_release,
                                                memory_order_relaxed))
    ;
  return chunk->counters;
}
