/* Following the program into what it executes. */
#ifndef AGENT_EXECUTE_H
#define AGENT_EXECUTE_H

#include "channel.h"

/* Hooks libc's ways to execute a program, so that the agent comes along. */
void execute_follow(struct channel *channel);

#endif
