/* Every register at a hit, by every entry and routine, at every vector length: preserved, shown, writable, also where the handler
 * sends the program elsewhere. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sighook/sighook.h>
#include "integer_handlers.h"
#include "registers.h"
#include "spoil.h"

_Static_assert(offsetof(struct registers, sp) == 248 && offsetof(struct registers, nzcv) == 256, "registers.S");
_Static_assert(offsetof(struct registers, fpsr) == 264 && offsetof(struct registers, fpcr) == 272, "registers.S");
_Static_assert(offsetof(struct registers, elsewhere) == 280 && offsetof(struct registers, v) == 288, "registers.S");
_Static_assert(offsetof(struct registers, p) == 288 + 32 * 256, "registers.S");

enum { LINK = 30, SIMD_WIDTH = 16, SP_LOWERED = 256, SEEDS = 6 };
#define FPCR_BITS UINT64_C(0x07C00000)          /* AHP, DN, FZ, rounding mode */
#define FPSR_BITS UINT64_C(0x0800009F)          /* QC and the exceptions */

static struct registers in, out, wanted;
static size_t width;                            /* bytes of a vector register */
static int sve;
static const char *shown_wrong;                 /* what the handler saw wrongly */

static uint8_t byte_of(unsigned seed, unsigned index)
{
  return (uint8_t)(seed * 89 + index * 31 + (index >> 3) * 7 + 1);
}

/* A first-fault register's bits are set from the lowest on, without a hole. */
static void fill_first_fault(uint8_t *ffr, unsigned set)
{
  for (unsigned bit = 0; bit < width; bit++)
    if (bit < set % (width + 1))
      ffr[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static void fill(struct registers *registers, unsigned seed)
{
  memset(registers, 0, sizeof *registers);
  for (unsigned i = 0; i <= LINK; i++)
    registers->x[i] = UINT64_C(0x0123456789abcdef) * (seed + 3) + i * UINT64_C(0x0101010101010101);
  registers->nzcv = (uint64_t)(seed * 11 & 15) << 28;
  registers->fpsr = (seed * UINT64_C(0x9E3779B97F4A7C15) >> 20) & FPSR_BITS;
  registers->fpcr = (uint64_t)(seed * 5 & 31) << 22 & FPCR_BITS;
  for (unsigned i = 0; i < VECTORS * width; i++)
    registers->v[i] = byte_of(seed, i);
  if (!sve)
    return;
  for (unsigned i = 0; i < (PREDICATES - 1) * width / 8; i++)
    registers->p[i] = byte_of(seed + 100, i);
  fill_first_fault(registers->p + (PREDICATES - 1) * width / 8, seed * 11 + 5);
}

static void same(const void *seen, const void *expected, size_t size, const char *what, unsigned index)
{
  if (memcmp(seen, expected, size) != 0) {
    print_error("%s %u differs, vector width %zu: %#lx, expected %#lx\n", what, index, width, *(const uint64_t *)seen,
                *(const uint64_t *)expected);
    fail();
  }
}

static void expect_wanted(int vectors)
{
  for (unsigned i = 0; i <= LINK; i++)
    same(&out.x[i], &wanted.x[i], 8, "x", i);
  same(&out.nzcv, &wanted.nzcv, 8, "nzcv", 0);
  same(&out.sp, &wanted.sp, 8, "sp", 0);
  same(&out.elsewhere, &wanted.elsewhere, 8, "elsewhere", 0);
  if (!vectors)
    return;
  same(&out.fpsr, &wanted.fpsr, 8, "fpsr", 0);
  same(&out.fpcr, &wanted.fpcr, 8, "fpcr", 0);
  for (unsigned i = 0; i < VECTORS; i++)
    same(out.v + i * width, wanted.v + i * width, width, "vector", i);
  if (sve)
    for (unsigned i = 0; i < PREDICATES; i++)
      same(out.p + i * width / 8, wanted.p + i * width / 8, width / 8, "predicate", i);
}

static void check(int right, const char *what)
{
  if (!right)
    shown_wrong = what;
}

static void check_integers(const sighook_context *context)
{
  check(memcmp(context->x, in.x, sizeof in.x) == 0, "x");
  check(context->pc == (uintptr_t)registers_site, "pc");
  check(context->sp == wanted.sp, "sp");
  check((context->cpsr & 0xF0000000) == in.nzcv, "nzcv");
}

static void check_all(sighook_context *context)
{
  check_integers(context);
  check(context->fpsr == in.fpsr && context->fpcr == in.fpcr, "fpsr, fpcr");
  for (unsigned i = 0; i < VECTORS; i++) {
    size_t bytes = 0;
    const void *vector = sighook_vector(context, i, &bytes);

    check(vector && bytes == width && memcmp(vector, in.v + i * width, width) == 0, "vector");
  }
  for (unsigned i = 0; i < PREDICATES; i++) {
    size_t bytes = 0;
    const void *mask = sighook_mask(context, i, &bytes);

    check(sve ? mask && bytes == width / 8 && memcmp(mask, in.p + i * width / 8, bytes) == 0 : !mask, "predicate");
  }
  check(!sighook_vector(context, VECTORS, NULL) && !sighook_mask(context, PREDICATES, NULL), "the end of the registers");
}

/* Puts `wanted` into the context, but for pc and sp. */
static void write_all(sighook_context *context)
{
  memcpy(context->x, wanted.x, sizeof wanted.x);
  context->cpsr = (uint32_t)wanted.nzcv;
  if (!(context->state & SIGHOOK_STATE_VECTOR))
    return;
  context->fpsr = (uint32_t)wanted.fpsr;
  context->fpcr = (uint32_t)wanted.fpcr;
  for (unsigned i = 0; i < VECTORS; i++)
    memcpy(sighook_vector(context, i, NULL), wanted.v + i * width, width);
  if (sve)
    for (unsigned i = 0; i < PREDICATES; i++)
      memcpy(sighook_mask(context, i, NULL), wanted.p + i * width / 8, width / 8);
}

static void look(sighook_context *context, void *user)
{
  (void)user;
  check_all(context);
  spoil_registers();
}

static void write_and_go_on(sighook_context *context, void *user)
{
  (void)user;
  write_all(context);
  spoil_registers();
}

static void write_and_skip(sighook_context *context, void *user)
{
  write_and_go_on(context, user);
  sighook_skip(context);
}

static void write_and_go_elsewhere(sighook_context *context, void *user)
{
  write_and_go_on(context, user);
  context->pc = (uintptr_t)registers_elsewhere;
}

static void write_and_lower_sp(sighook_context *context, void *user)
{
  write_and_go_on(context, user);
  context->sp -= SP_LOWERED;
}

static void write_and_leave_with_another_stack(sighook_context *context, void *user)
{
  write_and_go_elsewhere(context, user);
  context->sp -= SP_LOWERED;
}

static void write_and_return(sighook_context *context, void *user)
{
  write_and_go_on(context, user);
  context->x[LINK] = (uintptr_t)registers_elsewhere;
  sighook_return(context, wanted.x[0]);
}

struct way {
  const char *name;
  sighook_handler handler;
  int writes, writes_vectors;    /* `wanted` is what the handler writes, not what was there */
  int runs;                      /* the instruction itself, which adds one to x0 */
  int elsewhere;
  unsigned sp_lowered;
  uint32_t flags;
};
/* First, since a site keeps the stub that saves more. */
static const struct way integer_ways[] = {
    {"looks at integers only", look_at_integers_alone, 0, 0, 1, 0, 0, SIGHOOK_INTEGER_ONLY},
    {"goes elsewhere with integers only", go_elsewhere_with_integers, 1, 0, 0, 1, 0, SIGHOOK_INTEGER_ONLY},
    {"counts", NULL, 0, 0, 1, 0, 0, SIGHOOK_COUNT | SIGHOOK_INTEGER_ONLY},
};
static const struct way ways[] = {
    {"looks", look, 0, 0, 1, 0, 0, 0},
    {"writes", write_and_go_on, 1, 1, 1, 0, 0, 0},
    {"skips", write_and_skip, 1, 1, 0, 0, 0, 0},
    {"goes elsewhere", write_and_go_elsewhere, 1, 1, 0, 1, 0, 0},
    {"lowers sp", write_and_lower_sp, 1, 1, 1, 0, SP_LOWERED, 0},
    {"goes elsewhere on another stack", write_and_leave_with_another_stack, 1, 1, 0, 1, SP_LOWERED, 0},
    {"returns", write_and_return, 1, 1, 0, 1, 0, 0},
    {"looks at integers only", look_at_integers, 0, 0, 1, 0, 0, SIGHOOK_INTEGER_ONLY},
    {"goes elsewhere with integers only", go_elsewhere_with_integers, 1, 0, 0, 1, 0, SIGHOOK_INTEGER_ONLY},
    {"counts", NULL, 0, 0, 1, 0, 0, SIGHOOK_COUNT},
};

/* What must come out, of an unhooked run's sp and of what goes in and is written. */
static void want(const struct way *way, unsigned seed, uint64_t sp)
{
  static struct registers other;

  fill(&in, seed);
  fill(&other, seed + 50);
  wanted = way->writes && way->writes_vectors ? other : in;
  if (way->writes) {
    memcpy(wanted.x, other.x, sizeof wanted.x);
    wanted.nzcv = other.nzcv;
  }
  wanted.sp = sp;
}

static void finish_wanted(const struct way *way)
{
  wanted.x[0] += (uint64_t)way->runs;
  wanted.sp -= way->sp_lowered;
  wanted.elsewhere = (uint64_t)way->elsewhere;
  if (way->handler == write_and_return)
    wanted.x[LINK] = (uintptr_t)registers_elsewhere;
}

static void try_way(const struct way *way, uint32_t flags, unsigned seed)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = way->flags | flags, .handler = way->handler,
                       .address = (uintptr_t)registers_site};
  struct integers integers = {&in, &wanted, &shown_wrong};
  sighook_hook hook;

  registers_run(&in, &out, sve);
  want(way, seed, out.sp);
  shown_wrong = NULL;
  spec.user = &integers;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  registers_run(&in, &out, sve);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  finish_wanted(way);
  if (shown_wrong) {
    print_error("%s, flags %u: the handler saw wrongly: %s\n", way->name, flags, shown_wrong);
    fail();
  }
  expect_wanted(1);
}

static void try_ways(const struct way *list, size_t count, uint32_t flags)
{
  for (size_t i = 0; i < count; i++)
    for (unsigned seed = 0; seed < SEEDS; seed++)
      try_way(&list[i], flags, seed);
}

/* The system takes what lengths the processor has; where it has no SVE there is one width. */
static void at_every_length(const struct way *list, size_t count, uint32_t flags)
{
  unsigned tried = 0;

  sve = getauxval(AT_HWCAP) >> 22 & 1;
  for (size_t length = SIMD_WIDTH; length <= VECTOR_MAX; length *= 2) {
    if (sve && (prctl(PR_SVE_SET_VL, length) & PR_SVE_VL_LEN_MASK) != (int)length)
      continue;
    width = length;
    try_ways(list, count, flags);
    tried++;
    if (!sve)
      break;
  }
  assert_true(tried > 0);
}

static void an_integer_only_hook_leaves_vectors_alone(void **state)
{
  (void)state;
  at_every_length(integer_ways, sizeof integer_ways / sizeof integer_ways[0], 0);
  at_every_length(integer_ways, sizeof integer_ways / sizeof integer_ways[0], SIGHOOK_FORCE_TRAP);
}

static void every_register_is_preserved_shown_and_written_through_a_branch(void **state)
{
  (void)state;
  at_every_length(ways, sizeof ways / sizeof ways[0], 0);
}

static void every_register_is_preserved_shown_and_written_through_a_trap(void **state)
{
  (void)state;
  at_every_length(ways, sizeof ways / sizeof ways[0], SIGHOOK_FORCE_TRAP);
}

static void every_register_is_preserved_shown_and_written_where_hits_are_counted(void **state)
{
  (void)state;
  at_every_length(ways, sizeof ways / sizeof ways[0], SIGHOOK_COUNT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_integer_only_hook_leaves_vectors_alone),
      cmocka_unit_test(every_register_is_preserved_shown_and_written_through_a_branch),
      cmocka_unit_test(every_register_is_preserved_shown_and_written_through_a_trap),
      cmocka_unit_test(every_register_is_preserved_shown_and_written_where_hits_are_counted),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
