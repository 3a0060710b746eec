/* A process's files in /proc are those of its first thread, and those of an ended thread show no memory (proc(5)). */
#include "os/linux/own.h"

#include <errno.h>
#include <fcntl.h>
#include "raw_syscall.h"
#include "os/modules.h"

enum {
  PATH_LENGTH = 64
};

/* Whether the first thread has ended, which is another one than this. The kernel says so of a copy of a byte, which takes no /proc.
 * Who cannot copy (qemu-user, a filter) is told nothing. */
static bool first_has_ended(long process, long thread)
{
  char from = 0, to;
  struct {
    void *base;
    size_t length;
  } here = {&to, 1}, there = {&from, 1};

  return thread != process && host_syscall6(SYS_process_vm_readv, process, (long)&here, 1, (long)&there, 1, 0) == -ESRCH;
}

long own_thread(void)
{
  long process = host_syscall0(SYS_getpid), thread = host_syscall0(SYS_gettid);

  return first_has_ended(process, thread) ? thread : process;
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
  bool ended = first_has_ended(host_syscall0(SYS_getpid), host_syscall0(SYS_gettid));

  put_text(path, put_text(path, 0, ended ? "/proc/thread-self/" : "/proc/self/"), name);
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
