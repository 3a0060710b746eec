#define _GNU_SOURCE
#include "code.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "isa/x86_64/insn.h"

#define REACH (UINT64_C(1) << 31)
#define CHUNK (UINT64_C(1) << 20)
#define KEPT (UINT64_C(24) << 20)     /* around the code, for stubs */
enum { PAGE = 4096 };

/* ---- instructions ---- */

static void walk(struct code *code, uintptr_t at, uintptr_t end, bool is_function)
{
  if (is_function)
    code->entries[code->entry_count++] = code->count;
  while (at < end) {
    size_t length = x64_length((const uint8_t *)at, end - at);

    if (!length)
      return;
    code->starts[code->count++] = (uint32_t)(at - code->low);
    at += length;
  }
}

static void walk_section(struct code *code, unsigned section)
{
  uintptr_t at = code->library.start[section], end = code->library.end[section];
  const struct eh_table *table = &code->library.table;
  struct eh_function function;

  for (uintptr_t next = eh_next_start(table, at - 1); next < end; next = eh_next_start(table, next)) {
    if (!eh_find(table, next, &function) || function.is_signal_frame || function.start < at || function.end > end)
      continue;
    walk(code, at, function.start, false);             /* padding, mostly */
    walk(code, function.start, function.end, true);
    at = function.end;
  }
}

bool code_find(struct code *code, const char *name)
{
  *code = (struct code){.library = {.name = name}, .low = UINTPTR_MAX};
  if (!dlopen(name, RTLD_NOW) || !library_find(&code->library))
    return false;
  for (unsigned i = 0; i < code->library.sections; i++) {
    code->low = code->library.start[i] < code->low ? code->library.start[i] : code->low;
    code->high = code->library.end[i] > code->high ? code->library.end[i] : code->high;
  }
  code->pristine = malloc(code->high - code->low);
  code->starts = malloc((code->high - code->low) * sizeof *code->starts);
  code->entries = malloc((code->high - code->low) * sizeof *code->entries);
  if (!code->pristine || !code->starts || !code->entries)
    return false;
  memcpy(code->pristine, (const void *)code->low, code->high - code->low);
  for (unsigned i = 0; i < code->library.sections; i++)
    walk_section(code, i);
  return code->count > 0;
}

uint32_t code_index(const struct code *code, uintptr_t address)
{
  uint32_t low = 0, high = code->count;

  while (low < high) {
    uint32_t middle = low + (high - low) / 2;

    if (code->low + code->starts[middle] < address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool code_is_pristine(const struct code *code)
{
  for (uintptr_t at = code->low; at < code->high; at++)
    if (*(const volatile uint8_t *)at != *code_original(code, at)) {
      fprintf(stderr, "%s+%#lx reads %02x, not %02x\n", code->library.name, at - code->library.table.low,
              *(const volatile uint8_t *)at, *code_original(code, at));
      return false;
    }
  return true;
}

/* ---- the address space ---- */

static void take(uintptr_t low, uintptr_t high)
{
  size_t half = (high - low) / 2 & ~(size_t)(PAGE - 1);

  if (low >= high || mmap((void *)low, high - low, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
                          -1, 0) != MAP_FAILED || !half)
    return;
  take(low, low + half);
  take(low + half, high);
}

void code_crowd(const struct code *code, unsigned left, uint64_t seed)
{
  uintptr_t at = (code->low > REACH ? code->low - REACH : CHUNK) & ~(CHUNK - 1), end = code->high + REACH;

  for (; at < end && at < UINT64_C(0x7FFFFF000000); at += CHUNK) {
    uintptr_t hole = at + random_next(&seed) % (CHUNK / PAGE - left + 1) * PAGE;

    if (at + CHUNK + KEPT > code->low && at < code->high + KEPT)
      continue;
    take(at, hole);
    take(hole + left * PAGE, at + CHUNK);
  }
}

unsigned count_mappings(void)
{
  static char bytes[1 << 16];
  int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  unsigned lines = 0;
  ssize_t got;

  while ((got = read(file, bytes, sizeof bytes)) > 0)
    for (ssize_t i = 0; i < got; i++)
      lines += bytes[i] == '\n';
  close(file);
  return lines;
}
