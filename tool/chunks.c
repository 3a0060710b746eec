/* Chunks do not overlap, so that each has a number of its own: in which multiple of their size it begins. One that was gathered
 * is not gathered again before all are given back: however the links are bent, there is an end. */
#include "chunks.h"

#include "doubt.h"
#include "room.h"

enum { CHUNKS_MAX = CHANNEL_SIZE / sizeof(struct channel_chunk) + 1 };

static bool met[CHUNKS_MAX];
static uint64_t gathered[CHUNKS_MAX];
static size_t gathered_count;

static bool *mark_of(uint64_t offset)
{
  return &met[offset / sizeof(struct channel_chunk)];
}

struct chunks chunks_gather(const struct count_run *run, const struct channel_process *process)
{
  struct chunks chunks = {.offsets = gathered + gathered_count};
  uint64_t at = atomic_load(&process->chunks);

  while (at) {
    const struct channel_chunk *chunk = channel_inside(run->channel, at, sizeof *chunk);

    chunks.broken = !chunk || *mark_of(at);
    if (chunks.broken)
      break;
    *mark_of(at) = true;
    gathered[gathered_count++] = at;
    chunks.count++;
    at = __atomic_load_n(&chunk->next, __ATOMIC_RELAXED);
  }
  return chunks;
}

void chunks_give_back(struct count_run *run)
{
  for (size_t i = 0; i < gathered_count; i++) {
    room_punch(run, gathered[i], sizeof(struct channel_chunk));
    channel_push(run->channel, &run->channel->free_chunks, gathered[i]);
    *mark_of(gathered[i]) = false;
  }
  gathered_count = 0;
}
