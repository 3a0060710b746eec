/* A function that was made at run time. */
#ifndef TESTS_SHARE_MADE_H
#define TESTS_SHARE_MADE_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "patterns.h"
#include "require.h"

static uint8_t *code;

static void make_code(void)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);

  code = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(code != MAP_FAILED);
  memcpy(code, adds_7, sizeof adds_7);
  REQUIRE(mprotect(code, page, PROT_READ | PROT_EXEC) == 0);
}

static long call(long value)
{
  return ((long (*)(long))(uintptr_t)code)(value);
}

#endif
