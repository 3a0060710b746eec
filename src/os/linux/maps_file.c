/* What the file behind a mapping has. */
#include "os/maps.h"

#include <fcntl.h>
#include <sys/stat.h>
#include "os/linux/maps_text.h"

/* The file behind a mapping. */
struct backing {
  uintptr_t start;
  uint64_t offset, inode;       /* where in the file `start` is */
  char name[NAME_LENGTH];
};
static uint64_t parse_decimal(const char **at)
{
  uint64_t value = 0;

  for (; **at >= '0' && **at <= '9'; (*at)++)
    value = value * 10 + (uint64_t)(**at - '0');
  return value;
}

static void skip_field(const char **at)
{
  while (**at && **at != ' ' && **at != '\n')
    ++*at;
  while (**at == ' ')
    ++*at;
}

static bool backing_in_list(const struct os_maps *maps, uintptr_t address, struct backing *backing)
{
  struct os_mapping mapping = {0};
  const char *line = maps->text, *next = line;
  size_t length = 0;

  for (; next < maps->text + maps->length && mapping.end <= address; next = parse_line(line, &mapping))
    line = next;
  if (mapping.start > address || mapping.end <= address)
    return false;
  backing->start = mapping.start;
  skip_field(&line);
  skip_field(&line);
  backing->offset = parse_hex(&line);
  skip_field(&line);
  skip_field(&line);
  backing->inode = parse_decimal(&line);
  skip_field(&line);
  for (; line[length] && line[length] != '\n' && length < NAME_LENGTH - 1; length++)
    backing->name[length] = line[length];
  backing->name[length] = 0;
  return true;
}

static bool find_backing(struct os_maps *maps, uintptr_t address, struct backing *backing)
{
  struct procmap_query answer;

  if (!maps->queries)
    return backing_in_list(maps, address, backing);
  if (maps_query(maps, address, 0, backing->name, &answer) != 0)
    return false;
  backing->start = answer.vma_start;
  backing->offset = answer.vma_offset;
  backing->inode = answer.inode;
  return true;
}

/* By its name, which another file may bear by now: the inode tells. */
bool os_maps_read_file(struct os_maps *maps, uintptr_t address, void *bytes, size_t size)
{
  struct backing backing;
  struct stat file;
  long descriptor, length = -1;

  if (!find_backing(maps, address, &backing) || backing.name[0] != '/')
    return false;
  descriptor = host_syscall4(SYS_openat, AT_FDCWD, backing.name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (descriptor < 0)
    return false;
  if (host_syscall2(SYS_fstat, descriptor, &file) == 0 && S_ISREG(file.st_mode) && file.st_ino == backing.inode)
    length = host_syscall4(SYS_pread64, descriptor, bytes, size, backing.offset + (address - backing.start));
  host_syscall1(SYS_close, descriptor);
  return length == (long)size;
}
