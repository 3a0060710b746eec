/* Mapped files by raw system calls. */
#include "os/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "raw_syscall.h"
#include "os/linux/own.h"

bool os_file_map(const char *path, struct os_file *file)
{
  long descriptor =
      path[0] ? host_syscall4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0) : own_open("exe", O_RDONLY);
  long size, memory = -1;

  if (descriptor < 0)
    return false;
  size = host_syscall3(SYS_lseek, descriptor, 0, SEEK_END);
  if (size > 0)
    memory = host_syscall6(SYS_mmap, 0, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  host_syscall1(SYS_close, descriptor);
  if (memory < 0)
    return false;
  *file = (struct os_file){(const uint8_t *)memory, (size_t)size};
  return true;
}

void os_file_unmap(struct os_file *file)
{
  host_syscall2(SYS_munmap, file->bytes, file->size);
}
