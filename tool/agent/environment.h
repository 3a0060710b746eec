/* The agent's own traces in the environment: taken out before the program sees them, put back for programs that it executes. */
#ifndef AGENT_ENVIRONMENT_H
#define AGENT_ENVIRONMENT_H

#include "channel.h"

/* The channel's path, or NULL; LD_PRELOAD and the channel's variable are as they were without us afterwards. */
const char *environment_clean(char **environment);

/* A copy of `environment` that brings the agent into the program to be executed. In memory of its own that is never freed:
 * the caller is about to be replaced. NULL where memory is refused. May run in a vfork child with all signals blocked. */
char **environment_with_agent(const struct channel *channel, char **environment);

#endif
