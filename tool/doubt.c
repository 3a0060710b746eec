/* Reading the channel in doubt. */
#include "doubt.h"

#include <string.h>

void *channel_inside(struct channel *channel, uint64_t offset, uint64_t size)
{
  bool is_inside = offset % CHANNEL_UNIT == 0 && offset >= sizeof *channel && offset <= CHANNEL_SIZE &&
                   size <= CHANNEL_SIZE - offset;

  return is_inside ? channel_at(channel, offset) : NULL;
}

void channel_copy(void *to, const void *from, size_t size)
{
  memcpy(to, from, size);
  atomic_signal_fence(memory_order_seq_cst);
}

void channel_end_text(char *text, size_t size)
{
  text[size - 1] = 0;
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7F)
      *text = '?';
}
