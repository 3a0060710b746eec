/* The command's side of the channel: making it, room in it, taking back what ended processes had. */
#ifndef TOOL_STORE_H
#define TOOL_STORE_H

#include <stdbool.h>
#include "count.h"

/* False, with a message, where there is no memory or no agent. */
bool store_open(struct count_run *run);

/* How many places for processes there are to look at. */
uint32_t store_places(struct count_run *run);

/* The programs that ran in that process before it executed this one are at their end: what they
 * counted is added up, their places are free. */
void store_retire_predecessors(struct count_run *run, const struct channel_process *process);

/* Retires processes that have ended, where many have run, and gives back what retired ones had; cheap enough to be called
 * often. */
void store_sweep(struct count_run *run);

/* Adds up what all others counted. */
void store_close(struct count_run *run);

#endif
