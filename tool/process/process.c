/* Opening a process by its files in /proc, and saying why that cannot be. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "arch.h"

enum { TEXT = 4096, KERNEL_THREAD = 0x00200000 };          /* PF_KTHREAD of the kernel's sched.h */
enum { STAT_STATE = 3, STAT_FLAGS = 9, STAT_HEAP_START = 47 };     /* fields of stat: proc(5) */

static const char tunables[] = "GLIBC_TUNABLES";

struct process subject = {.folder = -1, .memory = -1};

size_t process_read(uintptr_t address, void *buffer, size_t size)
{
  size_t done = 0;
  ssize_t count;

  while (done < size &&
         (count = pread(subject.memory, (char *)buffer + done, size - done, (off_t)(address + done))) > 0)
    done += (size_t)count;
  return done;
}

/* "" where it cannot be read. */
static void read_text(const char *name, char text[TEXT])
{
  int descriptor = openat(subject.folder, name, O_RDONLY | O_CLOEXEC);
  ssize_t length = descriptor >= 0 ? read(descriptor, text, TEXT - 1) : 0;

  text[length > 0 ? length : 0] = 0;
  if (descriptor >= 0)
    close(descriptor);
}

/* The text of a field; the second, a name in parentheses, may have blanks. */
static const char *stat_field(const char *text, int number)
{
  const char *at = strrchr(text, ')');

  for (int field = 2; at && field < number; field++) {
    at = strchr(at, ' ');
    at = at ? at + 1 : NULL;
  }
  return at ? at : "";
}

static uint64_t stat_number(const char *text, int number)
{
  return strtoull(stat_field(text, number), NULL, 10);
}

/* Of a line of status; 0 where there is none of that name. */
static long status_number(const char *text, const char *name)
{
  const char *line = strstr(text, name);

  return line ? strtol(line + strlen(name), NULL, 10) : 0;
}

static bool fail(const char *why)
{
  fprintf(stderr, "sighook: process %d %s; not listed\n", subject.id, why);
  return false;
}

static bool fail_by_system(int failure)
{
  if (failure == ESRCH || failure == ENOENT)
    return fail("has ended");
  fprintf(stderr, "sighook: process %d cannot be read: %s; not listed\n", subject.id, strerror(failure));
  if (failure == EACCES || failure == EPERM)
    fputs("  try: as the user that it runs as, or as root; /proc/sys/kernel/yama/ptrace_scope may forbid it too\n", stderr);
  return false;
}

static bool has_ended(void)
{
  char text[TEXT];

  read_text("stat", text);
  return !*text || strchr("ZXx", *stat_field(text, STAT_STATE));
}

/* Before permissions: who may not read a process can be told what it is. */
static bool find(void)
{
  char text[TEXT];

  snprintf(text, sizeof text, "/proc/%d", subject.id);
  subject.folder = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (subject.folder < 0) {
    fprintf(stderr, "sighook: there is no process %d\n", subject.id);
    return false;
  }
  if (has_ended())
    return fail("has ended");
  read_text("stat", text);
  if (stat_number(text, STAT_FLAGS) & KERNEL_THREAD)
    return fail("is a thread of the kernel, which runs no program");
  subject.memory = openat(subject.folder, "mem", O_RDONLY | O_CLOEXEC);
  return subject.memory >= 0 || fail_by_system(errno);
}

static bool is_of_this_machine(void)
{
  ElfW(Ehdr) header;
  char path[TEXT];
  int descriptor = openat(subject.folder, "exe", O_RDONLY | O_CLOEXEC);
  ssize_t length = descriptor >= 0 ? read(descriptor, &header, sizeof header) : 0;

  if (descriptor >= 0)
    close(descriptor);
  if (length != sizeof header || arch_runs(&header))
    return true;
  length = readlinkat(subject.folder, "exe", path, sizeof path - 1);
  path[length > 0 ? length : 0] = 0;
  fprintf(stderr, "sighook: process %d runs %s, which %s; not listed\n", subject.id, path, arch.foreign);
  return false;
}

/* In the environment that its program was started with. */
static bool has_variable(const char *name)
{
  int descriptor = openat(subject.folder, "environ", O_RDONLY | O_CLOEXEC);
  FILE *file = descriptor >= 0 ? fdopen(descriptor, "r") : NULL;
  size_t size = 0, length = strlen(name);
  char *variable = NULL;
  bool found = false;

  if (!file && descriptor >= 0)
    close(descriptor);
  while (file && !found && getdelim(&variable, &size, 0, file) > 0)
    found = strncmp(variable, name, length) == 0 && variable[length] == '=';
  free(variable);
  if (file)
    fclose(file);
  return found;
}

static void read_state(void)
{
  char text[TEXT];

  read_text("stat", text);
  subject.heap_end = stat_number(text, STAT_HEAP_START);    /* where there is no heap yet it will grow from there */
  read_text("status", text);
  subject.is_traced = status_number(text, "\nTracerPid:") != 0;
  subject.has_shadow_stack = arch_tells_shadow_stack(text);
  subject.is_tuned = getenv(tunables) || has_variable(tunables);
}

/* What the kernel told it of its program; 0 where that is not known. */
static uintptr_t program_headers(void)
{
  int descriptor = openat(subject.folder, "auxv", O_RDONLY | O_CLOEXEC);
  uintptr_t address = 0;
  ElfW(auxv_t) entry;

  while (descriptor >= 0 && read(descriptor, &entry, sizeof entry) == sizeof entry)
    if (entry.a_type == AT_PHDR)
      address = entry.a_un.a_val;
  if (descriptor >= 0)
    close(descriptor);
  return address;
}

bool process_open(int id)
{
  subject.id = id;
  if (!find() || !is_of_this_machine())
    return false;
  read_state();
  if (!process_read_mappings())
    return has_ended() ? fail("has ended") : fail_by_system(errno);
  if (process_find_modules(program_headers()))
    return true;
  return has_ended() ? fail("has ended") : fail("has no program in its memory, or has executed another one meanwhile");
}

/* The memory that was opened goes with the program. */
bool process_is_there(void)
{
  char byte;

  return subject.module_count && process_read(subject.modules[0].image.low, &byte, 1) == 1;
}
