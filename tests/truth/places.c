#define _GNU_SOURCE
#include "places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include "host/host.h"

enum { LIBRARIES_MAX = 8 };

struct place *places;
unsigned place_count;

static struct library *libraries;
static unsigned library_count;
static unsigned *arrivals[LIBRARIES_MAX];     /* by the distance from the library's lowest address */
static unsigned long steps, inside;           /* those in a library */
static uint8_t *pristine[LIBRARIES_MAX][LIBRARY_SECTIONS];

static bool keep_code(const struct library *library, uint8_t **copies)
{
  for (unsigned i = 0; i < library->sections; i++) {
    size_t size = library->end[i] - library->start[i];

    copies[i] = malloc(size);
    if (!copies[i])
      return false;
    memcpy(copies[i], (const void *)library->start[i], size);
  }
  return true;
}

bool places_are_pristine(void)
{
  for (unsigned i = 0; i < library_count; i++)
    for (unsigned j = 0; j < libraries[i].sections; j++)
      if (memcmp(pristine[i][j], (const void *)libraries[i].start[j], libraries[i].end[j] - libraries[i].start[j]) != 0)
        return false;
  return true;
}

bool places_start(struct library *wanted, unsigned count)
{
  libraries = wanted;
  library_count = count;
  places = mmap(NULL, PLACES_MAX * sizeof *places, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  for (unsigned i = 0; i < count; i++)
    if (!library_find(&libraries[i]) || !keep_code(&libraries[i], pristine[i]))
      return false;
  return places != MAP_FAILED;
}

const struct library *places_library(uintptr_t address)
{
  for (unsigned i = 0; i < library_count; i++)
    if (address >= libraries[i].table.low && address < libraries[i].table.high)
      return &libraries[i];
  return NULL;
}

void places_arrive(uintptr_t address)
{
  const struct library *library = places_library(address);

  steps++;
  if (library) {
    arrivals[library - libraries][address - library->table.low]++;
    inside++;
  }
}

unsigned long places_steps(void)
{
  return steps;
}

static size_t arrivals_size(const struct library *library)
{
  return (library->table.high - library->table.low) * sizeof **arrivals;
}

void places_forget(void)
{
  for (unsigned i = 0; i < library_count; i++) {
    if (arrivals[i])
      munmap(arrivals[i], arrivals_size(&libraries[i]));
    arrivals[i] = mmap(NULL, arrivals_size(&libraries[i]), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(arrivals[i] != MAP_FAILED);
  }
  steps = inside = 0;
}

static void choose(const struct library *library, const unsigned *arrived, uintptr_t address)
{
  assert_true(place_count < PLACES_MAX);
  places[place_count++] = (struct place){.address = address, .arrivals = arrived[address - library->table.low]};
}

static bool came_to(const struct library *library, const unsigned *arrived, uintptr_t start, uintptr_t end)
{
  for (uintptr_t at = start; at < end; at++)
    if (arrived[at - library->table.low])
      return true;
  return false;
}

/* All of a function that was run; of code that no unwind table tells, which may be data in between, only what was run. */
static void choose_function(const struct library *library, const unsigned *arrived, uintptr_t start, uintptr_t end, bool known)
{
  if (!came_to(library, arrived, start, end))
    return;
  for (uintptr_t at = start; at < end;) {
    size_t length = known ? host_insn_length((const uint8_t *)at, end - at) : HOST_INSN_ALIGN;

    if (known || arrived[at - library->table.low])
      choose(library, arrived, at);
    at += length ? length : end - at;
  }
}

static void choose_in_library(const struct library *library, const unsigned *arrived)
{
  struct eh_function function;

  for (unsigned i = 0; i < library->sections; i++) {
    uintptr_t at = library->start[i], next = eh_next_start(&library->table, at - 1);

    for (; next < library->end[i]; next = eh_next_start(&library->table, next)) {
      if (!eh_find(&library->table, next, &function) || function.start < at || function.end > library->end[i])
        continue;
      choose_function(library, arrived, at, function.start, false);
      choose_function(library, arrived, function.start, function.end, !function.is_signal_frame);
      at = function.end;
    }
    choose_function(library, arrived, at, library->end[i], false);
  }
}

void places_choose(void)
{
  unsigned long chosen = 0;

  place_count = 0;
  for (unsigned i = 0; i < library_count; i++)
    choose_in_library(&libraries[i], arrivals[i]);
  for (unsigned i = 0; i < place_count; i++)
    chosen += places[i].arrivals;
  assert_true(chosen == inside);      /* none was at an address that is not taken for an instruction's */
}
