#define _GNU_SOURCE
#include "uprobes.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "hooks.h"

#define KIND_FILE "/sys/bus/event_source/devices/uprobe/type"
enum { PATH = 4096, NOT_SUPPORTED = 524 };             /* ENOTSUPP, which is for the kernel's own use and gets out all the same */

/* The number by which perf_event_open knows them; -1: not this kernel. */
static int kind(void)
{
  FILE *file = fopen(KIND_FILE, "re");
  int number = -1;

  if (file && fscanf(file, "%d", &number) != 1)
    number = -1;
  if (file)
    fclose(file);
  return number;
}

/* Which file's code stands at the address, and where in it. */
static bool find_in_file(uintptr_t address, char path[PATH], uint64_t *offset)
{
  FILE *maps = fopen("/proc/self/maps", "re");
  char line[PATH + 128];
  bool found = false;

  while (maps && !found && fgets(line, sizeof line, maps)) {
    unsigned long start, end, from;

    found = sscanf(line, "%lx-%lx %*s %lx %*s %*s %4095s", &start, &end, &from, path) == 4 && address >= start && address < end;
    *offset = found ? from + (address - start) : 0;
  }
  if (maps)
    fclose(maps);
  return found;
}

static int try_set(uintptr_t address)
{
  char path[PATH];
  struct perf_event_attr event = {.size = sizeof event, .type = (unsigned)kind()};
  uint64_t offset;

  if (!find_in_file(address, path, &offset))
    return -1;
  event.uprobe_path = (uintptr_t)path;
  event.probe_offset = offset;
  return (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

bool uprobes_work(void)
{
  int probe;

  if (kind() < 0) {
    printf("this kernel has no uprobes for perf_event_open: there is no " KIND_FILE "\n");
    return false;
  }
  probe = try_set((uintptr_t)uprobes_work);
  if (probe < 0) {
    printf("uprobes are refused here, as to all but root: perf_event_open: %m\n");
    return false;
  }
  close(probe);
  return true;
}

int uprobe_set(uintptr_t address)
{
  int probe = try_set(address);

  REQUIRE(probe >= 0 || errno == NOT_SUPPORTED);
  return probe;
}

long uprobe_hits(int probe)
{
  uint64_t count;

  REQUIRE(read(probe, &count, sizeof count) == sizeof count);
  return (long)count;
}

void uprobe_clear(int probe)
{
  REQUIRE(close(probe) == 0);
}
