#define _GNU_SOURCE
#include "ring.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  SYS_SETUP = 425,
  SYS_ENTER = 426, /* on every machine */
  ENTRIES = 4,
  OP_READ = 22,
  FLAG_ASYNC = 1 << 4,
  OFFSET_ENTRIES = 0x10000000,
  LOOKS = 200,
  PAUSE = 5000
};

struct parameters {
  uint32_t entries, completions, flags, cpu, idle, features, queue, reserved[3];
  struct {
    uint32_t head, tail, mask, entry_count, flags, dropped, array, reserved[3];
  } submission;
  uint32_t completion[10];
};

struct entry {
  uint8_t operation, flags;
  uint16_t priority;
  int32_t descriptor;
  uint64_t offset, address;
  uint32_t length, operation_flags;
  uint64_t user, rest[3];
};

static struct parameters parameters;

static int set_up(void)
{
  memset(&parameters, 0, sizeof parameters);
  return (int)syscall(SYS_SETUP, ENTRIES, &parameters);
}

bool ring_is_possible(void)
{
  int ring = set_up();

  if (ring >= 0)
    close(ring);
  return ring >= 0;
}

static int find_worker(void)
{
  DIR *folder = opendir("/proc/self/task");
  const struct dirent *task;
  int worker = 0;

  while (folder && !worker && (task = readdir(folder))) {
    char path[300], name[32] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
    file = fopen(path, "r");
    if (file && fgets(name, sizeof name, file) && strncmp(name, "iou-wrk-", 8) == 0)
      worker = atoi(task->d_name);
    if (file)
      fclose(file);
  }
  if (folder)
    closedir(folder);
  return worker;
}

static void submit_read(int ring, int descriptor, char *byte)
{
  size_t queue_size = parameters.submission.array + ENTRIES * sizeof(uint32_t);
  uint8_t *queue = mmap(NULL, queue_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, 0);
  struct entry *entries =
      mmap(NULL, ENTRIES * sizeof *entries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, OFFSET_ENTRIES);

  if (queue == MAP_FAILED || entries == MAP_FAILED)
    return;
  entries[0] = (struct entry){
      .operation = OP_READ, .flags = FLAG_ASYNC, .descriptor = descriptor, .address = (uintptr_t)byte, .length = 1};
  *(uint32_t *)(queue + parameters.submission.array) = 0;
  __atomic_store_n((uint32_t *)(queue + parameters.submission.tail), 1, __ATOMIC_RELEASE);
  syscall(SYS_ENTER, ring, 1, 0, 0, NULL, 0);
}

int ring_start_worker(void)
{
  static char byte;
  int ends[2], ring = set_up(), worker = 0;

  if (ring < 0 || pipe(ends) != 0)
    return 0;
  submit_read(ring, ends[0], &byte);
  for (unsigned look = 0; look < LOOKS && !(worker = find_worker()); look++)
    usleep(PAUSE);
  return worker;
}

bool ring_worker_blocks(int worker, int signal_number)
{
  char path[64], line[256];
  unsigned long long blocked = 0;
  FILE *file;

  snprintf(path, sizeof path, "/proc/self/task/%d/status", worker);
  file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, "SigBlk:", 7) == 0)
      blocked = strtoull(line + 7, NULL, 16);
  if (file)
    fclose(file);
  return blocked >> (signal_number - 1) & 1;
}
