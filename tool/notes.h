/* Programs that were not followed, as the agents wrote them down: each once, with how often. */
#ifndef TOOL_NOTES_H
#define TOOL_NOTES_H

#include <stddef.h>
#include "channel.h"

struct unfollowed {
  char text[CHANNEL_PATH];       /* "/usr/bin/sudo (setuid)" */
  unsigned processes;
};

struct unfollowed_list {
  struct unfollowed all[CHANNEL_NOTES];
  size_t count;
  unsigned unnamed;              /* there was no room for their names */
  unsigned processes;            /* all together */
};

struct unfollowed_list unfollowed_of(const struct channel *channel);

#endif
