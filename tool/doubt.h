/* Reading the channel in doubt: a target can write there what it likes, at any time. So the command reads each thing once, into
 * memory of its own, and looks at it there. */
#ifndef TOOL_DOUBT_H
#define TOOL_DOUBT_H

#include <stddef.h>
#include "channel.h"

enum { CHANNEL_UNIT = 64 };            /* blocks of the channel begin at multiples of it */

/* What an offset in the channel leads to; NULL where not all of it lies in the room behind the processes. */
void *channel_inside(struct channel *channel, uint64_t offset, uint64_t size);

/* Copies so that the compiler never goes back to the original. */
void channel_copy(void *to, const void *from, size_t size);

/* Ends a text that was copied from there within its size, without anything that a terminal would obey. */
void channel_end_text(char *text, size_t size);

#endif
