/* A page of code that is written at run time. */
#ifndef TESTS_FAULT_PAGE_H
#define TESTS_FAULT_PAGE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sighook/sighook.h>
#include "code.h"
#include "require.h"

enum { ARGUMENT = 5, FIRST = ARGUMENT + 1000, SECOND = ARGUMENT + 2000 };

static unsigned long hits;

static inline void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

/* So many pages, that may be written to and executed. */
static inline uint8_t *page_make(unsigned pages)
{
  uint8_t *memory = mmap(NULL, pages * (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  REQUIRE(memory != MAP_FAILED);
  return memory;
}

static inline void page_write(uint8_t *to, const uint8_t *bytes, unsigned length)
{
  memcpy(to, bytes, length);
  __builtin___clear_cache((char *)to, (char *)to + length);
}

static inline long page_call(const uint8_t *code)
{
  return ((long (*)(long))(uintptr_t)code)(ARGUMENT);
}

/* The code gives this result, and so many of our callbacks are called. */
static inline void page_require(const uint8_t *code, long result, unsigned long callbacks)
{
  unsigned long before = hits;

  REQUIRE(page_call(code) == result);
  REQUIRE(hits - before == callbacks);
}

static inline sighook_status page_install(const uint8_t *code, uint32_t flags, sighook_hook *hook)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags, .address = (uintptr_t)code, .handler = count};

  return sighook_install(&spec, hook);
}

static inline sighook_entry page_entry(sighook_hook hook)
{
  sighook_info info = {.size = sizeof info};

  REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK);
  return info.entry;
}

/* Removing is answered so, and changes nothing. */
static inline void page_refuses_removal(const uint8_t *code, sighook_hook hook)
{
  uint8_t before[CODE_LENGTH];

  memcpy(before, code, CODE_LENGTH);
  REQUIRE(sighook_remove(hook) == SIGHOOK_CONFLICT);
  REQUIRE(memcmp(before, code, CODE_LENGTH) == 0);
}

#endif
