/* How the kernel tells of mappings: by a question, or by a line of the list. Private to the files of os/maps.h. */
#ifndef OS_LINUX_MAPS_TEXT_H
#define OS_LINUX_MAPS_TEXT_H

#include <sys/ioctl.h>
#include "raw_syscall.h"
#include "os/maps.h"
#include "os/memory.h"

/* linux/fs.h, 6.11 */
struct procmap_query {
  uint64_t size, query_flags, query_addr;
  uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
  uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
  uint64_t vma_name_addr, build_id_addr;
};
#define PROCMAP_QUERY _IOWR('f', 17, struct procmap_query)
enum { NAME_LENGTH = 4096 };    /* PATH_MAX of linux/limits.h */

static inline long maps_query(struct os_maps *maps, uintptr_t address, uint64_t flags, char *name, struct procmap_query *answer)
{
  *answer = (struct procmap_query){.size = sizeof *answer, .query_addr = address, .query_flags = flags};
  if (name) {
    name[0] = 0;
    answer->vma_name_addr = (uintptr_t)name;
    answer->vma_name_size = NAME_LENGTH;
  }
  return host_syscall3(SYS_ioctl, maps->descriptor, PROCMAP_QUERY, answer);
}

static inline bool same_text(const char *text, const char *expected)
{
  while (*expected)
    if (*text++ != *expected++)
      return false;
  return true;
}

static inline uintptr_t parse_hex(const char **at)
{
  uintptr_t value = 0;

  for (;; (*at)++) {
    char c = **at;

    if (c >= '0' && c <= '9')
      value = value << 4 | (uintptr_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      value = value << 4 | (uintptr_t)(c - 'a' + 10);
    else
      return value;
  }
}

/* One line: `start-end rwxp offset dev inode   name`. Returns the next. */
static inline const char *parse_line(const char *line, struct os_mapping *mapping)
{
  const char *name;

  *mapping = (struct os_mapping){0};
  mapping->start = parse_hex(&line);
  line++;
  mapping->end = parse_hex(&line);
  mapping->protection = (line[1] == 'r' ? OS_READ : 0) | (line[2] == 'w' ? OS_WRITE : 0) | (line[3] == 'x' ? OS_EXECUTE : 0);
  mapping->shared_file = line[4] == 's';
  for (name = line; *line && *line != '\n'; line++)
    if (*line == '[')
      name = line;
  mapping->stack = same_text(name, "[stack");
  return *line ? line + 1 : line;
}

#endif
