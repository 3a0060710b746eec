/* Environments with the agent in them and without. No libc, general registers only: see environment.h.
 *
 * Two variables are always added: the channel's, and LD_PRELOAD or, where the user has one already (which is then made
 * longer), a meaningless one. So two pointers become free when they are removed, just the size of an entry of the auxiliary
 * vector that follows the environment: marked as one to ignore, the vector begins right behind the environment's end again,
 * where some run-time systems look for it. */
#include "environment.h"

#include <elf.h>
#include <stdbool.h>

enum { VARIABLES_ADDED = 2 };

static const char preload[] = "LD_PRELOAD=";
static const char channel_variable[] = CHANNEL_ENVIRONMENT "=";
static const char padding[] = CHANNEL_PADDING "=";

static size_t length_of(const char *text)
{
  size_t length = 0;

  while (text[length])
    length++;
  return length;
}

static bool begins(const char *text, const char *with)
{
  while (*with)
    if (*text++ != *with++)
      return false;
  return true;
}

static void remove_at(char **environment, size_t index)
{
  for (; environment[index]; index++)
    environment[index] = environment[index + 1];
}

/* "LD_PRELOAD=agent:rest" becomes "LD_PRELOAD=rest", written over the end of the same text; false where there was no rest. */
static bool keep_rest(char **entry)
{
  char *rest = *entry + sizeof preload - 1;

  while (*rest && *rest != ':')
    rest++;
  if (!*rest)
    return false;
  rest -= sizeof preload - 2;
  for (size_t i = 0; i < sizeof preload - 1; i++)
    rest[i] = preload[i];
  *entry = rest;
  return true;
}

const char *environment_clean(char **environment)
{
  const char *path = NULL;
  size_t count = 0, removed = 0;

  for (size_t i = 0; environment[i] && !path; i++)
    if (begins(environment[i], channel_variable))
      path = environment[i] + sizeof channel_variable - 1;
  while (path && environment[count]) {
    char **entry = &environment[count];

    if (begins(*entry, channel_variable) || begins(*entry, padding) || (begins(*entry, preload) && !keep_rest(entry))) {
      remove_at(environment, count);
      removed++;
    } else {
      count++;
    }
  }
  if (removed == VARIABLES_ADDED) {
    environment[count + 1] = (char *)(uintptr_t)AT_IGNORE;
    environment[count + 2] = NULL;
  }
  return path;
}

static char *append(char *to, const char *text)
{
  while (*text)
    *to++ = *text++;
  *to = 0;
  return to;
}

static const char *users_preload(char *const *environment, size_t *count)
{
  const char *users = NULL;

  for (*count = 0; environment && environment[*count]; ++*count)
    if (!users && begins(environment[*count], preload))
      users = environment[*count] + sizeof preload - 1;
  return users;
}

size_t environment_size(const struct channel *channel, char *const *environment)
{
  size_t count;
  const char *users = users_preload(environment, &count);

  return (count + VARIABLES_ADDED + 1) * sizeof(char *) + sizeof preload + sizeof channel_variable + sizeof padding +
         length_of(channel->agent) + length_of(channel->path) + (users ? length_of(users) : 0) + 2;
}

char **environment_with_agent(const struct channel *channel, char *const *environment, void *memory)
{
  size_t count, at = 0;
  const char *users = users_preload(environment, &count);
  char **copy = memory, *text = (char *)(copy + count + VARIABLES_ADDED + 1);
  bool placed = false;

  for (size_t i = 0; i < count; i++) {
    copy[at++] = environment[i];
    if (placed || !begins(environment[i], preload))
      continue;
    placed = true;
    copy[at - 1] = text;
    text = append(append(append(append(text, preload), channel->agent), ":"), users) + 1;
  }
  copy[at++] = text;
  text = users ? append(text, padding) + 1 : append(append(text, preload), channel->agent) + 1;
  copy[at++] = text;
  append(append(text, channel_variable), channel->path);
  copy[at] = NULL;
  return copy;
}
