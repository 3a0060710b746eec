/* What the tests of the searches for jumps share: an address space of which so much is free, and code of random instructions. */
#ifndef TESTS_UNIT_X86_64_SEARCH_H
#define TESTS_UNIT_X86_64_SEARCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "isa/x86_64/insn.h"
#include "isa/x86_64/space.h"

enum { BYTES = 40, PAGE = 4096, ROUNDS = 3000, BREAKPOINT = 0xCC };

static uint32_t density;              /* one piece of so many is free */
static uint64_t grain;                /* bytes of a piece: pages, or single places as on pages that are full of islands */
static uint64_t salt;
static const uint64_t address_base = UINT64_C(0x500000000000);

/* ---- the address space ---- */

static inline bool is_free(uint64_t place)
{
  return ((place / grain ^ salt) * UINT64_C(0x9E3779B97F4A7C15) >> 33) % density == 0;
}

/* The first free place of a window. */
static inline bool first_free(const struct x64_window *window, uint64_t *place)
{
  for (uint64_t at = window->first; at <= window->last; at = (at | (grain - 1)) + 1)
    if (is_free(at)) {
      *place = at;
      return true;
    }
  return false;
}

static inline bool find(void *context, enum x64_lander lander, const struct x64_wish *wish, uint64_t *place, bool *complete)
{
  (void)context;
  (void)lander;
  if (!first_free(&wish->window, place))
    return false;
  *complete = true;
  for (unsigned i = 0; i < wish->offset_count; i++)
    *complete &= is_free(*place + (uint64_t)wish->offsets[i]);
  return true;
}

static const struct x64_space space = {.find = find};

/* ---- code ---- */

static inline unsigned put_instruction(uint8_t *bytes, unsigned length)
{
  static const uint8_t forms[8][8] = {{0xFC},
                                      {0x89, 0xF9},
                                      {0x48, 0x89, 0xF9},
                                      {0x48, 0x8B, 0x4F, 0x08},
                                      {0xB8, 1, 2, 3, 4},
                                      {0x81, 0xC1, 1, 2, 3, 4},
                                      {0x48, 0x8D, 0x8F, 1, 2, 3, 4},
                                      {0x48, 0x8D, 0x8C, 0x24, 1, 2, 3, 4}};

  memcpy(bytes, forms[length - 1], length);
  for (unsigned i = 4; i < length; i++)
    bytes[i] = (uint8_t)rand();
  return length;
}

/* Instructions of any length from there on; the last ones have one byte. */
static inline void put_rest(uint8_t code[BYTES], unsigned at)
{
  while (at < BYTES - 8)
    at += put_instruction(code + at, 1 + (unsigned)rand() % 8);
  memset(code + at, 0xFC, BYTES - at);
}

static inline uint64_t leads_to(const uint8_t *bytes, uint64_t pc, unsigned length)
{
  struct x64_insn insn;

  assert_true(x64_decode(bytes, BYTES, pc, &insn));
  assert_int_equal(insn.kind, X64_JMP);
  assert_int_equal(insn.length, length);
  return insn.target;
}

#endif
