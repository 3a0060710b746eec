/* The truth about hits: every function of zlib is hooked while a real job runs, and each must be hit exactly as often as a
 * single-stepped, unhooked run of the same job arrives at its first instruction. Both are children of one process, so their
 * addresses are the same. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <sighook/sighook.h>
#include "library.h"
#include "stepping.h"

enum { FUNCTIONS_MAX = 1024, INPUT = 900 };

struct outcome {                      /* shared with the children */
  uint64_t hits[FUNCTIONS_MAX];
  unsigned long digest;
  unsigned refused, traps;
};

static struct library zlib = {.name = "libz.so"};
static uintptr_t functions[FUNCTIONS_MAX];
static unsigned function_count;
static sighook_hook hooks[FUNCTIONS_MAX];

static void find_functions(void)
{
  struct eh_function function;

  assert_true(library_find(&zlib));
  for (uintptr_t at = eh_next_start(&zlib.table, 0); at != UINTPTR_MAX; at = eh_next_start(&zlib.table, at))
    if (function_count < FUNCTIONS_MAX && eh_find(&zlib.table, at, &function))
      functions[function_count++] = at;
}

/* Compress, expand, check: at several levels, so that several of zlib's ways are taken. */
static unsigned long job(void)
{
  static unsigned char input[INPUT], packed[INPUT * 2], output[INPUT];
  unsigned long digest = 0;

  for (unsigned i = 0; i < INPUT; i++)
    input[i] = (unsigned char)(i * i >> 7 ^ i % 13);
  for (int level = 3; level <= 9; level += 6) {
    uLongf packed_length = sizeof packed, length = sizeof output;

    compress2(packed, &packed_length, input, INPUT, level);
    uncompress(output, &length, packed, packed_length);
    digest = digest * 31 + packed_length;
    digest ^= crc32(adler32(1, output, (uInt)length), packed, (uInt)packed_length);
  }
  return digest;
}

static struct outcome *shared_outcome(void)
{
  return mmap(NULL, sizeof(struct outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static int index_of(uintptr_t address)
{
  unsigned low = 0, high = function_count;

  while (low < high) {
    unsigned middle = (low + high) / 2;

    if (functions[middle] < address)
      low = middle + 1;
    else
      high = middle;
  }
  return low < function_count && functions[low] == address ? (int)low : -1;
}

static struct outcome *truth;

static void count_arrival(uintptr_t address)
{
  int index = index_of(address);

  if (index >= 0)
    truth->hits[index]++;
}

static void count_one(sighook_context *context, void *user)
{
  (void)context;
  ++*(uint64_t *)user;
}

static int hook_all(struct outcome *outcome, uint32_t flags, sighook_handler handler)
{
  for (unsigned i = 0; i < function_count; i++) {
    sighook_spec spec = {.size = sizeof spec,
                         .kind = SIGHOOK_PROBE,
                         .address = functions[i],
                         .flags = flags,
                         .handler = handler,
                         .user = &outcome->hits[i]};

    if (sighook_install(&spec, &hooks[i]) != SIGHOOK_OK)
      outcome->refused++;
  }
  return 0;
}

static void run_hooked(struct outcome *outcome, uint32_t flags, sighook_handler handler)
{
  int status;
  pid_t child = fork();

  if (child == 0) {
    hook_all(outcome, flags, handler);
    outcome->digest = job();
    for (unsigned i = 0; i < function_count; i++) {
      sighook_info info = {.size = sizeof info};

      if (sighook_query(hooks[i], &info) != SIGHOOK_OK)
        continue;
      outcome->traps += info.entry == SIGHOOK_ENTRY_TRAP;
      if (!handler)
        outcome->hits[i] = info.hits;
    }
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void compare(uint32_t flags, sighook_handler handler)
{
  struct outcome *outcome = shared_outcome();
  unsigned called = 0;

  run_hooked(outcome, flags, handler);
  assert_int_equal(outcome->refused, 0);
  assert_true(outcome->digest == truth->digest);
  for (unsigned i = 0; i < function_count; i++) {
    if (outcome->hits[i] != truth->hits[i])
      print_error("libz+%#lx: %lu hits, %lu arrivals\n", functions[i] - zlib.table.low, (unsigned long)outcome->hits[i],
                  (unsigned long)truth->hits[i]);
    assert_true(outcome->hits[i] == truth->hits[i]);
    called += truth->hits[i] != 0;
  }
  print_message("%u functions, %u called, %u by traps\n", function_count, called, outcome->traps);
  assert_true(called > 20);
  munmap(outcome, sizeof *outcome);
}

static void counters_agree_with_single_steps(void **state)
{
  (void)state;
  compare(SIGHOOK_COUNT, NULL);
}

static void handlers_agree_with_single_steps(void **state)
{
  (void)state;
  compare(0, count_one);
}

static void trapped_handlers_agree_with_single_steps(void **state)
{
  (void)state;
  compare(SIGHOOK_FORCE_TRAP, count_one);
}

static int take_the_truth(void **state)
{
  (void)state;
  job();                              /* binds what is bound at the first call */
  find_functions();
  truth = shared_outcome();
  truth->digest = step_through(job, count_arrival);
  return function_count < 50;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counters_agree_with_single_steps),
      cmocka_unit_test(handlers_agree_with_single_steps),
      cmocka_unit_test(trapped_handlers_agree_with_single_steps),
  };

  return cmocka_run_group_tests(tests, take_the_truth, NULL);
}
