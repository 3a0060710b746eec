/* Environments before and after. No libc calls but raw memory: see environment.h. */
#include "environment.h"

#include <stdbool.h>
#include <stddef.h>
#include "os/memory.h"

static const char preload[] = "LD_PRELOAD=";
static const char channel_variable[] = CHANNEL_ENVIRONMENT "=";

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

/* "LD_PRELOAD=agent:rest" becomes "LD_PRELOAD=rest", written over the end of the same text. */
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

  for (size_t i = 0; environment[i]; i++)
    if (begins(environment[i], channel_variable)) {
      path = environment[i] + sizeof channel_variable - 1;
      remove_at(environment, i--);
    }
  for (size_t i = 0; path && environment[i]; i++)
    if (begins(environment[i], preload) && !keep_rest(&environment[i]))
      remove_at(environment, i--);
  return path;
}

static char *append(char *to, const char *text)
{
  while (*text)
    *to++ = *text++;
  *to = 0;
  return to;
}

char **environment_with_agent(const struct channel *channel, char **environment)
{
  const char *users = NULL;
  size_t count = 0, at = 0, size;
  char **copy, *text;

  for (; environment && environment[count]; count++)
    if (begins(environment[count], preload))
      users = environment[count] + sizeof preload - 1;
  size = (count + 3) * sizeof *copy + sizeof preload + sizeof channel_variable + length_of(channel->agent) +
         length_of(channel->path) + (users ? length_of(users) : 0) + 16;
  copy = os_allocate(page_up(size, os_page_size()));
  if (!copy)
    return NULL;
  text = (char *)(copy + count + 3);
  for (size_t i = 0; i < count; i++) {
    copy[at++] = environment[i];
    if (begins(environment[i], preload)) {
      copy[at - 1] = text;
      text = append(append(append(append(text, preload), channel->agent), *users ? ":" : ""), users) + 1;
    }
  }
  if (!users) {
    copy[at++] = text;
    text = append(append(text, preload), channel->agent) + 1;
  }
  copy[at++] = text;
  append(append(text, channel_variable), channel->path);
  copy[at] = NULL;
  return copy;
}
