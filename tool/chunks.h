/* The chunks of counters that belong to processes, found without trust in the links between them. */
#ifndef TOOL_CHUNKS_H
#define TOOL_CHUNKS_H

#include "count.h"

/* Those of one process, good until they are given back. */
struct chunks {
  const uint64_t *offsets;
  size_t count;
  bool broken;                         /* the links led elsewhere, or to where they had led before */
};

struct chunks chunks_gather(const struct count_run *run, const struct channel_process *process);

/* All that were gathered are zeroed and free again. */
void chunks_give_back(struct count_run *run);

#endif
