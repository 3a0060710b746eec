/* Which thread blocks a signal, as the kernel tells in /proc/self/task/<thread>/stat: proc(5) numbers the fields. Raw
 * system calls only, since libc's own threads and code may be what is asked about. */
#include <fcntl.h>
#include <stddef.h>
#include "os/signals.h"
#include "os/threads.h"
#include "raw_syscall.h"

enum {
  STATE = 3,
  FLAGS = 9,
  MEMORY = 23,
  BLOCKED = 32
}; /* fields; the last has the signals below 32 */
enum {
  IO_WORKER = 0x10,
  USER_WORKER = 0x4000
}; /* PF_IO_WORKER, PF_USER_WORKER: threads of the kernel's, for io_uring or vhost */
enum {
  PATIENCE = 64,
  ASLEEP = 8,
  BETWEEN_NS = 1000000
}; /* one who sleeps takes more of it with each look */

struct entry { /* linux_dirent64 */
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

struct stat_text {
  char bytes[1024];
  long length; /* of what follows the name, which may hold anything */
  const char *rest;
};

static bool read_stat(int folder, const char *path, struct stat_text *text)
{
  long descriptor = host_syscall4(SYS_openat, folder, path, O_RDONLY | O_CLOEXEC, 0);
  long length, at;

  if (descriptor < 0)
    return false;
  length = host_syscall3(SYS_read, descriptor, text->bytes, sizeof text->bytes);
  host_syscall1(SYS_close, descriptor);
  for (at = length; at > 0 && text->bytes[at - 1] != ')';)
    at--;
  text->rest = text->bytes + at;
  text->length = length - at;
  return at > 0;
}

/* Where the field begins: number 3 is the first behind the name. */
static long field_at(const struct stat_text *text, unsigned number)
{
  long at = 0;

  for (unsigned spaces = number - 2; at < text->length && spaces; at++)
    spaces -= text->rest[at] == ' ';
  return at;
}

static uint64_t field(const struct stat_text *text, unsigned number)
{
  uint64_t value = 0;

  for (long at = field_at(text, number); at < text->length && text->rest[at] >= '0' && text->rest[at] <= '9'; at++)
    value = value * 10 + (uint64_t)(text->rest[at] - '0');
  return value;
}

/* The state of the thread, if it blocks the signal and is one that can run the program's code; else 0. */
static char blocks(int folder, const char *thread, int signal_number)
{
  struct stat_text text;
  char path[32];
  size_t length = 0;
  long state;

  for (; thread[length] && length < sizeof path - sizeof "/stat"; length++)
    path[length] = thread[length];
  for (size_t i = 0; i < sizeof "/stat"; i++)
    path[length + i] = "/stat"[i];
  if (!read_stat(folder, path, &text) || (field(&text, FLAGS) & (IO_WORKER | USER_WORKER)) ||
      !(field(&text, BLOCKED) & UINT64_C(1) << (signal_number - 1)))
    return 0;
  state = field_at(&text, STATE);
  return state < text.length && text.rest[state] != 'Z' && text.rest[state] != 'X' ? text.rest[state] : 0;
}

/* C libraries block all signals for a moment to start and end threads, to fork and to start programs. Who waits there
 * for a processor, or for a program to begin, may take his time. */
static bool keeps_blocking(int folder, const char *thread, int signal_number)
{
  char state = blocks(folder, thread, signal_number);

  for (int patience = PATIENCE; patience > 0 && state; patience -= state == 'R' || state == 'D' ? 1 : ASLEEP) {
    os_sleep_ns(BETWEEN_NS);
    state = blocks(folder, thread, signal_number);
  }
  return state;
}

/* qemu-user writes this file itself, without the size of memory, and has among the threads one of its own that blocks
 * signals. */
static bool is_emulated(void)
{
  struct stat_text text;

  return read_stat(AT_FDCWD, "/proc/self/stat", &text) && field(&text, MEMORY) == 0;
}

static int number_of(const char *name)
{
  int number = 0;

  for (; *name >= '0' && *name <= '9'; name++)
    number = number * 10 + (*name - '0');
  return number;
}

static int other_thread_that_blocks(int folder, int signal_number)
{
  _Alignas(struct entry) char entries[1024];
  long length;

  while ((length = host_syscall3(SYS_getdents64, folder, entries, sizeof entries)) > 0)
    for (long at = 0; at < length; at += ((struct entry *)(entries + at))->length) {
      const char *name = ((struct entry *)(entries + at))->name;

      if (number_of(name) && keeps_blocking(folder, name, signal_number))
        return number_of(name);
    }
  return 0;
}

int os_thread_that_blocks(int signal_number)
{
  long folder;
  int thread;

  if (os_signal_mask() & UINT64_C(1) << (signal_number - 1))
    return os_thread_id();
  folder = host_syscall4(SYS_openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder < 0)
    return 0;
  thread = other_thread_that_blocks((int)folder, signal_number);
  host_syscall1(SYS_close, folder);
  return thread && !is_emulated() ? thread : 0;
}
