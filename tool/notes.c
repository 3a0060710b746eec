/* Gathering equal notes. */
#include "notes.h"

#include <string.h>

struct unfollowed_list unfollowed_of(const struct channel *channel)
{
  struct unfollowed_list list = {.processes = atomic_load(&channel->note_count)};

  for (unsigned i = 0; i < list.processes && i < CHANNEL_NOTES; i++) {
    size_t at = 0;

    while (at < list.count && strcmp(list.all[at].text, channel->notes[i]) != 0)
      at++;
    if (at == list.count)
      list.all[list.count++] = (struct unfollowed){.text = channel->notes[i]};
    list.all[at].processes++;
  }
  list.unnamed = list.processes > CHANNEL_NOTES ? list.processes - CHANNEL_NOTES : 0;
  return list;
}
