/* The command's side of the channel: making it, room in it, taking back what ended processes had. */
#ifndef TOOL_STORE_H
#define TOOL_STORE_H

#include <stdbool.h>
#include "count.h"
#include "listing.h"

/* False, with a message, where there is no memory or no agent. */
bool store_open(struct count_run *run);

/* A zeroed image for that many sites; NULL where the channel is full. */
struct channel_image *store_new_image(struct count_run *run, uint32_t site_count, uint32_t call_count);

/* A listing for that many functions, with room for that many sites, or as many as fit; NULL where the channel is full. */
struct listing *store_new_listing(struct count_run *run, uint64_t function_count, uint64_t site_count);

/* Adds what the process counted to the tally, and frees its place. */
void store_retire(struct count_run *run, struct channel_process *process);

/* The programs that ran in that process before it executed this one are at their end. */
void store_retire_predecessors(struct count_run *run, const struct channel_process *process);

/* Retires processes that have ended, where many have run; cheap enough to be called often. */
void store_sweep(struct count_run *run);

/* Retires all. */
void store_close(struct count_run *run);

#endif
