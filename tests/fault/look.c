#define _GNU_SOURCE
#include "look.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "require.h"

enum { DESCRIPTORS_MAX = 256, LINE = 4096 };

static int list = -1;

void look_start(void)
{
  if (list >= 0)
    close(list);                       /* a forked process's is its parent's */
  list = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  REQUIRE(list >= 0);
}

struct mappings {
  const uintptr_t *addresses;
  unsigned count, writable_code;
  char (*permissions)[PERMISSIONS];
};

static void read_line(struct mappings *mappings, const char *line)
{
  unsigned long start, end;
  char permissions[PERMISSIONS];

  REQUIRE(sscanf(line, "%lx-%lx %4s", &start, &end, permissions) == 3);
  mappings->writable_code += strncmp(permissions, "rwx", 3) == 0;
  for (unsigned i = 0; i < mappings->count; i++)
    if (mappings->addresses[i] >= start && mappings->addresses[i] < end)
      strcpy(mappings->permissions[i], permissions);
}

static void read_lines(struct mappings *mappings)
{
  char text[16 * LINE];
  size_t length = 0;
  ssize_t count;

  REQUIRE(lseek(list, 0, SEEK_SET) == 0);
  while ((count = read(list, text + length, sizeof text - length)) > 0) {
    char *line = text, *end;

    length += (size_t)count;
    for (; (end = memchr(line, '\n', length - (size_t)(line - text))); line = end + 1) {
      *end = 0;
      read_line(mappings, line);
    }
    length -= (size_t)(line - text);
    memmove(text, line, length);
  }
  REQUIRE(count == 0);
}

unsigned look_mappings(const uintptr_t *addresses, unsigned count, char (*permissions)[PERMISSIONS])
{
  struct mappings mappings = {.addresses = addresses, .count = count, .permissions = permissions};

  for (unsigned i = 0; i < count; i++)
    strcpy(permissions[i], "none");
  read_lines(&mappings);
  return mappings.writable_code;
}

unsigned look_descriptors(void)
{
  unsigned count = 0;

  for (int descriptor = 0; descriptor < DESCRIPTORS_MAX; descriptor++)
    count += fcntl(descriptor, F_GETFD) >= 0;
  return count;
}
