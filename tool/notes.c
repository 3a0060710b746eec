/* Gathering equal notes. */
#include "notes.h"

#include <string.h>
#include "doubt.h"

struct unfollowed_list unfollowed_of(const struct channel *channel)
{
  struct unfollowed_list list = {.processes = atomic_load(&channel->note_count)};

  for (unsigned i = 0; i < list.processes && i < CHANNEL_NOTES; i++) {
    struct unfollowed *next = &list.all[list.count];
    size_t at = 0;

    channel_copy(next->text, channel->notes[i], sizeof next->text);
    channel_end_text(next->text, sizeof next->text);
    while (strcmp(list.all[at].text, next->text) != 0)
      at++;
    list.count += at == list.count;
    list.all[at].processes++;
  }
  list.unnamed = list.processes > CHANNEL_NOTES ? list.processes - CHANNEL_NOTES : 0;
  return list;
}
