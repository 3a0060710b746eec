/* A process's files in /proc are those of its first thread, and those of an ended thread show no memory (proc(5)). */
#include "os/linux/own.h"

#include <errno.h>
#include <fcntl.h>
#include "raw_syscall.h"
#include "os/modules.h"

enum {
  PATH_LENGTH = 64
};

/* The kernel says so of a copy of a byte, which takes no /proc. Who cannot copy (qemu-user, a filter) is told nothing.
 */
long own_thread(void)
{
  long process = host_syscall0(SYS_getpid), thread = host_syscall0(SYS_gettid);
  char from = 0, to;
  struct {
    void *base;
    size_t length;
  } here = {&to, 1}, there = {&from, 1};

  if (thread == process || host_syscall6(SYS_process_vm_readv, process, (long)&here, 1, (long)&there, 1, 0) != -ESRCH)
    return process;
  return thread;
}

static size_t put_text(char path[PATH_LENGTH], size_t length, const char *text)
{
  while (*text && length < PATH_LENGTH - 1)
    path[length++] = *text++;
  path[length] = 0;
  return length;
}

static void path_of(const char *name, char path[PATH_LENGTH])
{
  bool is_first = own_thread() == host_syscall0(SYS_getpid);

  put_text(path, put_text(path, 0, is_first ? "/proc/self/" : "/proc/thread-self/"), name);
}

long own_open(const char *name, int flags)
{
  char path[PATH_LENGTH];

  path_of(name, path);
  return host_syscall4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0);
}

void os_program_path(char *path, size_t size)
{
  char link[PATH_LENGTH];
  long length;

  path_of("exe", link);
  length = host_syscall4(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
  path[length > 0 ? length : 0] = 0;
}
