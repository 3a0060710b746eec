/* Which thread blocks a signal, as the kernel tells in /proc/self/task/<thread>/stat and syscall: proc(5) numbers the
 * fields. Raw system calls only, since libc's own threads and code may be what is asked about. */
#include <fcntl.h>
#include <stddef.h>
#include "os/linux/own.h"
#include "os/signals.h"
#include "os/text.h"
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
  RAN = 4,
  LOOKS_MAX = 1000,
  BETWEEN_NS = 1000000
}; /* one who sleeps takes more of it with each look, one who runs with each tick of the kernel's, a few looks apart */

#define UNTOLD UINT64_MAX

enum {
  PATH_LENGTH = 32,
  LINE_LENGTH = 256
};

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

/* What was opened; its length; ended by 0. */
static long read_file(long descriptor, char *text, size_t size)
{
  long length = 0;

  if (descriptor >= 0) {
    length = host_syscall3(SYS_read, descriptor, text, size - 1);
    host_syscall1(SYS_close, descriptor);
  }
  length = length > 0 ? length : 0;
  text[length] = 0;
  return length;
}

static long read_of_thread(int folder, const char *thread, const char *name, char *text, size_t size)
{
  char path[PATH_LENGTH];
  size_t length = 0;

  for (; thread[length] && length < PATH_LENGTH / 2; length++)
    path[length] = thread[length];
  while ((path[length] = *name++))
    length++;
  return read_file(host_syscall4(SYS_openat, folder, path, O_RDONLY | O_CLOEXEC, 0), text, size);
}

static bool find_fields(struct stat_text *text, long length)
{
  long at = length;

  while (at > 0 && text->bytes[at - 1] != ')')
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

static uint64_t number_at(const char **at, unsigned base)
{
  uint64_t value = 0;

  for (; (**at >= '0' && **at <= '9') || (base == 16 && **at >= 'a' && **at <= 'f'); ++*at)
    value = value * base + (uint64_t)(**at <= '9' ? **at - '0' : **at - 'a' + 10);
  return value;
}

static uint64_t field(const struct stat_text *text, unsigned number)
{
  const char *at = text->rest + field_at(text, number);

  return number_at(&at, 10);
}

/* Whether it waits for the signal by sigwait: what it blocks is not seen to block that meanwhile, and does when it goes
 * on (rt_sigtimedwait; /proc/<thread>/syscall is "number 0xargument ..."). */
static bool awaits(int folder, const char *thread, int signal_number)
{
  char line[LINE_LENGTH];
  const char *at = line;
  struct os_text memory;
  uint64_t set = 0;

  read_of_thread(folder, thread, "/syscall", line, sizeof line);
  if (number_at(&at, 10) != SYS_rt_sigtimedwait || at[0] != ' ' || at[1] != '0' || at[2] != 'x')
    return false;
  at += 3;
  os_text_open(&memory);
  os_text_read(&memory, number_at(&at, 16), &set, sizeof set);
  os_text_close(&memory);
  return set & UINT64_C(1) << (signal_number - 1);
}

/* How long it has run: nothing yet, just after it was made. UNTOLD if the kernel does not say. */
static uint64_t time_of(int folder, const char *thread)
{
  char line[LINE_LENGTH];
  const char *at = line;

  return read_of_thread(folder, thread, "/schedstat", line, sizeof line) ? number_at(&at, 10) : UNTOLD;
}

/* The state of the thread, if it blocks the signal and is one that can run the program's code; else 0. */
static char blocks(int folder, const char *thread, int signal_number)
{
  struct stat_text text;
  char state;

  if (!find_fields(&text, read_of_thread(folder, thread, "/stat", text.bytes, sizeof text.bytes)) ||
      (field(&text, FLAGS) & (IO_WORKER | USER_WORKER)) || field_at(&text, STATE) >= text.length)
    return 0;
  state = text.rest[field_at(&text, STATE)];
  if (state == 'Z' || state == 'X')
    return 0;
  if (field(&text, BLOCKED) & UINT64_C(1) << (signal_number - 1))
    return state;
  return state == 'S' && awaits(folder, thread, signal_number) ? state : 0;
}

/* What a look takes of the patience with a thread in that state. */
static int cost(char state, uint64_t before, uint64_t now)
{
  if (state == 'R' && now != UNTOLD)
    return now == before ? 0 : RAN; /* it waits for a processor */
  return state == 'R' || state == 'D' ? 1 : ASLEEP;
}

/* C libraries block all signals for a moment to start and end threads, to fork and to start programs. Who waits there
 * for a processor, or for a program to begin, may take his time. */
static bool keeps_blocking(int folder, const char *thread, int signal_number)
{
  char state = blocks(folder, thread, signal_number);
  uint64_t before = state ? time_of(folder, thread) : UNTOLD;
  int patience = PATIENCE;

  for (unsigned look = 0; look < LOOKS_MAX && patience > 0 && state; look++) {
    uint64_t now;

    os_sleep_ns(BETWEEN_NS);
    state = blocks(folder, thread, signal_number);
    now = time_of(folder, thread);
    patience -= cost(state, before, now);
    before = now;
  }
  return state;
}

/* qemu-user writes /proc/self/stat itself, without the size of memory, and has among the threads one of its own that
 * blocks signals. */
static bool is_kernels_list(void)
{
  struct stat_text text;

  return find_fields(&text, read_file(own_open("stat", O_RDONLY), text.bytes, sizeof text.bytes)) &&
         field(&text, MEMORY) != 0;
}

static int other_thread_that_blocks(int folder, int signal_number)
{
  _Alignas(struct entry) char entries[1024];
  long length;

  while ((length = host_syscall3(SYS_getdents64, folder, entries, sizeof entries)) > 0)
    for (long at = 0; at < length; at += ((struct entry *)(entries + at))->length) {
      const char *name = ((struct entry *)(entries + at))->name, *digits = name;
      int thread = (int)number_at(&digits, 10);

      if (thread && keeps_blocking(folder, name, signal_number))
        return thread;
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
  return thread && is_kernels_list() ? thread : 0;
}
