/* The parts of the agent. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "channel.h"

extern struct channel *channel;
extern uint64_t channel_mapped;             /* bytes of it that could be mapped here */
extern struct channel_process *self;        /* NULL: nothing is counted in this process */

/* Hooks what the command asked for and writes down what became of each site. Whether traps may stand in code. */
bool install_sites(struct channel_image *image);

/* Source of counters: see core/counters.h. On a hit: no lock, no libc, general registers only. */
struct counter *take_chunk(uint32_t number);

/* A place among the processes; NULL where there is none. */
struct channel_process *take_process(void);

/* Hooks libc's ways to execute a program, so that the agent comes along, and the program's signals. */
void execute_follow(bool traps);

#endif
