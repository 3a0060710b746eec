/* Stubs of AArch64: built for one instruction, run through every part, and asked where they have moved sp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include "host/aarch64/layout.h"
#include "host/host.h"
#include "isa/aarch64/encode.h"

enum {
  FIRST = 700,                      /* a counter in the first chunk, which stubs reach by a variable of its own */
  NUMBER = COUNTER_CHUNK + 3000,    /* one that takes the array of chunks, and whose offset needs two instructions */
  ADD_X3_7 = 0x91001C63,            /* add x3,x3,#7 */
  BL_8 = 0x94000002,
  SPILL = 16,
  WORD = 4
};

void run_stub(uint64_t registers[32], uint64_t stub);
void run_routine(void);
extern const uint8_t run_site[];
extern struct {
  uint64_t site, sp, count;
} run_seen;

__thread _Atomic(struct counter *) *thread_chunks;
__thread struct counter *thread_first_chunk;

static uintptr_t routine;

uintptr_t host_routine(enum save_class save_class)
{
  (void)save_class;
  return routine;
}

static struct site site;
static struct host_stub stub;

/* A place for code at about that distance from the program. */
static uint8_t *place(uintptr_t distance)
{
  uint8_t *page = MAP_FAILED;

  for (uintptr_t further = 0; page == MAP_FAILED && further < UINT64_C(64) << 20; further += UINT64_C(1) << 20)
    page = mmap((void *)(((uintptr_t)run_site + distance + further) & ~UINT64_C(0xFFFF)), 4096,
                PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  assert_ptr_not_equal(page, MAP_FAILED);
  return page;
}

static void describe(uint32_t word, bool by_path, int counter)
{
  memset(&site, 0, sizeof site);
  site.address = (uintptr_t)run_site;
  site.length = WORD;
  site.by_path = by_path;
  site.counter = counter;
  memcpy(site.original, &word, WORD);
  atomic_store(&site.routine, (uintptr_t)run_routine);
}

/* What core/site.c does with what host_stub_build answers. */
static void build(uint8_t *at)
{
  struct error error = {.message = ""};

  if (host_stub_build(&site, (uintptr_t)at, CLASS_INTEGER, &stub, &error))
    fail_msg("%s", error.message);
  memcpy(at, stub.bytes, stub.length);
  __builtin___clear_cache((char *)at, (char *)at + stub.length);
  site.stub = (uintptr_t)at;
  site.stub_length = stub.length;
  site.entry_offset = stub.entry_offset;
  site.probe_offset = stub.probe_offset;
  site.displaced_offset = stub.displaced_offset;
  site.count_offset = stub.count_offset;
}

/* Only a jump to a replacement at a function's entry leaves its own address in x16, as a linker's veneer may. */
static bool keeps(unsigned number)
{
  return number == 16 ? !site.by_path || site.count_offset : number < 18 || number > 29;
}

/* All registers but the displaced instruction's own come back as they went. */
static void check_run_at(uintptr_t start, bool captured)
{
  uint64_t registers[32], expected[32], count = run_seen.count;

  for (unsigned i = 0; i < 32; i++)
    registers[i] = expected[i] = UINT64_C(0x0101010101010101) * (i + 1);
  expected[3] += 7;
  expected[31] = 0;
  run_stub(registers, start);
  for (unsigned i = 1; i < 32; i++)
    if (keeps(i) && registers[i] != expected[i])
      fail_msg("register %u is %#lx, not %#lx", i, registers[i], expected[i]);
  assert_int_equal(run_seen.count - count, captured);
  if (captured)
    assert_int_equal(run_seen.site, (uintptr_t)&site);
}

/* Enters the stub as an entry would. */
static void check_run(bool captured)
{
  check_run_at(site_gate(&site), captured);
}

static void a_stub_captures_runs_its_instruction_and_goes_on_behind_it(void **state)
{
  (void)state;
  routine = (uintptr_t)run_routine;
  describe(ADD_X3_7, false, SITE_NO_COUNTER);
  build(place(UINT64_C(16) << 20));
  assert_int_equal(stub.entry_offset, stub.probe_offset);
  assert_int_equal(stub.count_offset, 0);
  check_run(true);
  assert_int_equal(run_seen.sp % 16, 0);
}

static void a_stub_far_from_the_routine_calls_it_by_the_site(void **state)
{
  size_t near_length = stub.length;

  (void)state;
  routine = (uintptr_t)run_routine + (UINT64_C(1) << 32);
  describe(ADD_X3_7, false, SITE_NO_COUNTER);
  build(place(UINT64_C(16) << 20));
  assert_int_equal(stub.length, near_length + WORD);
  check_run(true);
  routine = (uintptr_t)run_routine;
}

static void a_path_leads_to_the_probe_or_past_it(void **state)
{
  (void)state;
  describe(ADD_X3_7, true, SITE_NO_COUNTER);
  build(place(UINT64_C(16) << 20));
  assert_int_equal(stub.entry_offset, 0);
  assert_true(host_path_may_leave(&site));
  atomic_store(&site.path, host_path(&site, PART_PROBE));
  check_run(true);
  atomic_store(&site.path, host_path(&site, PART_DISPLACED));
  check_run(false);
}

static void a_counting_stub_counts_in_line_and_can_be_led_past_that(void **state)
{
  static struct counter counters[COUNTER_CHUNK];
  static _Atomic(struct counter *) chunks[2];

  (void)state;
  describe(ADD_X3_7, true, NUMBER);
  build(place(UINT64_C(16) << 20));
  assert_false(host_path_may_leave(&site));
  atomic_store(&site.path, host_path(&site, PART_COUNT));
  check_run(true);                   /* no array of chunks yet: the routine has to make it */
  thread_chunks = chunks;
  check_run(true);                   /* no chunk yet */
  chunks[NUMBER / COUNTER_CHUNK] = counters;
  for (unsigned i = 0; i < 3; i++)
    check_run(false);
  assert_int_equal(counters[NUMBER % COUNTER_CHUNK].hits, 3);
  check_run_at(site.stub + site.count_offset, false);
  assert_int_equal(counters[NUMBER % COUNTER_CHUNK].hits, 4);
  atomic_store(&site.path, host_path(&site, PART_PROBE));
  check_run(true);
  atomic_store(&site.path, host_path(&site, PART_DISPLACED));
  check_run(false);
  assert_int_equal(counters[NUMBER % COUNTER_CHUNK].hits, 4);
  thread_chunks = NULL;
}

static void a_counter_of_the_first_chunk_is_reached_at_once(void **state)
{
  static struct counter counters[COUNTER_CHUNK];

  (void)state;
  describe(ADD_X3_7, true, FIRST);
  build(place(UINT64_C(16) << 20));
  check_run_at(site.stub + site.count_offset, true);
  thread_first_chunk = counters;
  check_run_at(site.stub + site.count_offset, false);
  assert_int_equal(counters[FIRST].hits, 1);
  thread_first_chunk = NULL;
}

/* How far the instruction moves sp; only the forms that stubs use. */
static intptr_t moves_sp(uint32_t word)
{
  bool is_sp = a64_get_rn(word) == A64_SP, both = is_sp && a64_get_rd(word) == A64_SP;

  if (both && a64_is_sub_x_immediate(word))
    return a64_get_imm12(word);
  if (both && a64_is_add_x_immediate(word))
    return -(intptr_t)a64_get_imm12(word);
  return is_sp && (a64_is_stp_x_pre(word) || a64_is_ldp_x_post(word)) ? -8 * (intptr_t)((int32_t)(word << 10) >> 25) : 0;
}

/* Follows the code from `offset` on until it jumps away, sp being `lower` than the program's there. */
static void check_sp_from(size_t offset, intptr_t lower, bool seen[HOST_STUB_MAX])
{
  for (uint32_t word = A64_WORD_NOP; offset < stub.length && !a64_is_b(word) && !a64_is_br(word); offset += WORD) {
    memcpy(&word, stub.bytes + offset, WORD);
    if (stub.states[offset / WORD].lowered * STATE_UNIT != lower)
      fail_msg("at %zu sp is %zd lower, not %d", offset, lower, stub.states[offset / WORD].lowered * STATE_UNIT);
    seen[offset] = true;
    lower += moves_sp(word);
  }
}

static void sp_is_known_at_every_instruction_of_every_stub(void **state)
{
  (void)state;
  for (unsigned form = 0; form < 16; form++) {
    bool seen[HOST_STUB_MAX] = {false}, by_path = form & 1, counts = (form & 2) != 0;

    if (counts && !by_path)
      continue;                      /* nothing would lead to the counting part */
    routine = (uintptr_t)run_routine + (form & 4 ? UINT64_C(1) << 32 : 0);
    describe(ADD_X3_7, by_path, !counts ? SITE_NO_COUNTER : form & 8 ? FIRST : NUMBER);
    build(place(UINT64_C(16) << 20));
    check_sp_from(stub.entry_offset, 0, seen);
    check_sp_from(stub.probe_offset - 3 * WORD, FRAME_SIZE, seen);
    check_sp_from(stub.probe_offset, 0, seen);
    check_sp_from(stub.displaced_offset, 0, seen);
    if (counts) {
      check_sp_from(stub.count_offset, 0, seen);
      check_sp_from(host_path(&site, PART_DISPLACED) - site.stub, SPILL, seen);
      check_sp_from(host_path(&site, PART_PROBE) - site.stub, SPILL, seen);
    }
    for (size_t offset = 0; offset < stub.length; offset += WORD)
      assert_true(seen[offset]);
  }
  routine = (uintptr_t)run_routine;
}

static void what_cannot_be_displaced_is_refused_with_a_reason(void **state)
{
  static const uint32_t stxr = 0xC8027C01;    /* stxr w2,x1,[x0] */
  struct error error = {.message = ""};

  (void)state;
  describe(stxr, false, SITE_NO_COUNTER);
  assert_int_equal(host_check_displaced(&site, site.address + 4096, &error), SIGHOOK_UNRELOCATABLE);
  assert_non_null(strstr(error.message, "cannot run elsewhere"));
  describe(BL_8, false, SITE_NO_COUNTER);
  assert_int_equal(host_check_displaced(&site, site.address + 4096, &error), SIGHOOK_OK);
  assert_int_equal(host_check_displaced(&site, site.address + (UINT64_C(1) << 30), &error), SIGHOOK_OUT_OF_RANGE);
  assert_int_equal(host_stub_build(&site, site.address + (UINT64_C(1) << 30), CLASS_INTEGER, &stub, &error), SIGHOOK_OUT_OF_RANGE);
}

static void the_reach_of_a_stub_is_where_its_branches_get_back(void **state)
{
  uint32_t words[2] = {BL_8, BL_8};
  uintptr_t low, high, address = UINT64_C(0x500000000000);
  struct error error = {.message = ""};
  uint8_t length;

  (void)state;
  assert_int_equal(host_stub_reach(address, (uint8_t *)words, sizeof words, &low, &high, &length, &error), SIGHOOK_OK);
  assert_int_equal(length, WORD);
  assert_true(low < address && address - low <= (uintptr_t)A64_B_REACH);
  assert_true(high > address && high - address <= (uintptr_t)A64_B_REACH);
  assert_int_equal(host_stub_reach(address + 2, (uint8_t *)words, WORD, &low, &high, &length, &error), SIGHOOK_BAD_ADDRESS);
  assert_non_null(strstr(error.message, "misaligned"));
  assert_int_equal(host_stub_reach(address, (uint8_t *)words, 3, &low, &high, &length, &error), SIGHOOK_BAD_ADDRESS);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stub_captures_runs_its_instruction_and_goes_on_behind_it),
      cmocka_unit_test(a_stub_far_from_the_routine_calls_it_by_the_site),
      cmocka_unit_test(a_path_leads_to_the_probe_or_past_it),
      cmocka_unit_test(a_counting_stub_counts_in_line_and_can_be_led_past_that),
      cmocka_unit_test(a_counter_of_the_first_chunk_is_reached_at_once),
      cmocka_unit_test(sp_is_known_at_every_instruction_of_every_stub),
      cmocka_unit_test(what_cannot_be_displaced_is_refused_with_a_reason),
      cmocka_unit_test(the_reach_of_a_stub_is_where_its_branches_get_back),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
