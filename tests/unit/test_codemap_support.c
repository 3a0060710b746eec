#include "test_codemap_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "core/plan.h"
#include "host/host.h"
#include "os/memory.h"

const uint8_t *undone_address;
uint8_t undone_original;
unsigned long reads;
bool reads_are_direct;

/* Where the kernel's copying is not to be had, as under emulation: a pipe takes what can be read of one page. */
static ssize_t read_by_pipe(uintptr_t address, void *bytes, size_t size)
{
  size_t page_rest = os_page_size() - (address & (os_page_size() - 1)), part = size < page_rest ? size : page_rest;
  static int ends[2] = {-1, -1};
  ssize_t length;

  if (ends[0] < 0 && pipe(ends) != 0)
    return -1;
  length = write(ends[1], (const void *)address, part);
  return length > 0 ? read(ends[0], bytes, (size_t)length) : length;
}

static ssize_t read_by_pipes(uintptr_t address, char *bytes, size_t size)
{
  size_t done = 0;
  ssize_t length;

  while (done < size && (length = read_by_pipe(address + done, bytes + done, size - done)) > 0)
    done += (size_t)length;
  return done ? (ssize_t)done : -1;
}

size_t plan_read_current_as_is(uintptr_t address, void *bytes, size_t size)
{
  struct iovec here = {bytes, size}, there = {(void *)address, size};
  ssize_t length;

  if (reads_are_direct) {
    memcpy(bytes, (const void *)address, size);
    return size;
  }
  length = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
  if (length < 0 && errno == ENOSYS)
    length = read_by_pipes(address, bytes, size);
  return length < 0 ? 0 : (size_t)length;
}

size_t plan_read_current(uintptr_t address, void *bytes, size_t size)
{
  size_t length = plan_read_current_as_is(address, bytes, size);

  reads++;
  if (undone_address && (uintptr_t)undone_address - address < length)
    ((uint8_t *)bytes)[(uintptr_t)undone_address - address] = undone_original;
  return length;
}

bool plan_current_breakpoint_hides(uintptr_t address, uint8_t own[HOST_TRAP_LENGTH])
{
  (void)address;
  (void)own;
  return false;
}

struct wanted {
  const char *ending;
  struct os_module module;
  bool found;
};

static bool ends_so(const struct os_module *module, void *user)
{
  struct wanted *wanted = user;
  size_t length = strlen(module->path), ending = strlen(wanted->ending);

  wanted->found = ending ? length >= ending && strcmp(module->path + length - ending, wanted->ending) == 0 : !length;
  if (wanted->found)
    wanted->module = *module;
  return wanted->found;
}

bool has_module(const char *ending)
{
  struct wanted wanted = {.ending = ending};

  os_modules_each(ends_so, &wanted);
  return wanted.found;
}

struct os_module module_called(const char *ending)
{
  struct wanted wanted = {.ending = ending};

  os_modules_each(ends_so, &wanted);
  if (!wanted.found)
    fail_msg("no module's path ends with %s", ending);
  return wanted.module;
}

const char *file_of(const struct os_module *module)
{
  static char program[4096], moved[sizeof module->path + sizeof SYSTEM_ROOT];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

  program[length > 0 ? length : 0] = 0;
  if (!module->path[0])
    return program;
  snprintf(moved, sizeof moved, "%s%s", SYSTEM_ROOT, module->path);
  return access(moved, R_OK) == 0 ? moved : module->path;
}

struct pair {
  uintptr_t first, second;
};

static int by_first(const void *a, const void *b)
{
  const struct pair *one = a, *other = b;

  if (one->first != other->first)
    return one->first < other->first ? -1 : 1;
  return one->second < other->second ? -1 : one->second > other->second;
}

struct numbers numbers_of(const char *command, const char *path)
{
  struct numbers numbers = {0};
  struct pair *pairs = NULL;
  char line[4096];
  size_t room = 0;
  FILE *output;

  snprintf(line, sizeof line, command, path);
  output = popen(line, "r");
  assert_non_null(output);
  while (fgets(line, sizeof line, output)) {
    char *rest;

    if (numbers.count == room)
      pairs = realloc(pairs, (room = room ? room * 2 : 4096) * sizeof *pairs);
    pairs[numbers.count].first = strtoul(line, &rest, 16);
    pairs[numbers.count++].second = strtoul(rest, NULL, 16);
  }
  assert_int_equal(pclose(output), 0);
  assert_true(numbers.count > 0);
  qsort(pairs, numbers.count, sizeof *pairs, by_first);
  numbers.first = malloc(numbers.count * sizeof *numbers.first);
  numbers.second = malloc(numbers.count * sizeof *numbers.second);
  for (size_t i = 0; i < numbers.count; i++) {
    numbers.first[i] = pairs[i].first;
    numbers.second[i] = pairs[i].second;
  }
  free(pairs);
  return numbers;
}

void numbers_free(struct numbers *numbers)
{
  free(numbers->first);
  free(numbers->second);
}

size_t numbers_find(const struct numbers *numbers, uintptr_t value, bool *exact)
{
  size_t low = 0, high = numbers->count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (numbers->first[middle] < value)
      low = middle + 1;
    else
      high = middle;
  }
  *exact = low < numbers->count && numbers->first[low] == value;
  return low;
}

double now_ns(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

struct code_facts facts_of(uintptr_t address)
{
  uint8_t bytes[HOST_INSN_MAX];
  struct code_facts facts;
  struct error error;
  size_t readable = plan_read_current(address, bytes, sizeof bytes), length = host_insn_length(bytes, readable);

  assert_int_equal(codemap_facts(address, bytes, length ? length : 1, &facts, &error), SIGHOOK_OK);
  return facts;
}
