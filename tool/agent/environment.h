/* The agent's own traces in the environment: taken out before the program sees them, put back for programs that it executes. */
#ifndef AGENT_ENVIRONMENT_H
#define AGENT_ENVIRONMENT_H

#include <stddef.h>
#include "channel.h"

/* The channel's path, or NULL. Afterwards the environment is as it would be without us, and what the kernel put behind it
 * can still be found by walking over it. */
const char *environment_clean(char **environment);

/* Bytes that environment_with_agent writes. */
size_t environment_size(const struct channel *channel, char *const *environment);

/* Writes a copy of `environment` that brings the agent into the program to be executed. May run in a vfork child with all
 * signals blocked: no libc. */
char **environment_with_agent(const struct channel *channel, char *const *environment, void *memory);

#endif
