/* Hits of threads that others watch: the kernel by a restartable sequence, perf by its counters. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <sighook/sighook.h>

enum { WORD = 4, WORDS_MAX = 64, ROUNDS = 2000 };
#define RETURN UINT32_C(0xD65F03C0)

int sequence(struct rseq *area, long *counter);
extern const char sequence_start[], sequence_end[], sequence_abort[];

static volatile long hits;

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

static sighook_status install(uintptr_t address, uint32_t flags, sighook_hook *hook)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags, .address = address, .handler = count};

  return sighook_install(&spec, hook);
}

/* ---- restartable sequences ---- */

static struct rseq *area(void)
{
  return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static void libc_reads_its_area_under_hooks(void **state)
{
  const uint32_t *code = (const uint32_t *)(uintptr_t)sched_getcpu;
  sighook_hook hooks[WORDS_MAX];
  unsigned words = 0;

  (void)state;
  assert_int_not_equal(__rseq_size, 0);
  while (words < WORDS_MAX && (!words || code[words - 1] != RETURN))
    words++;
  for (unsigned i = words; i-- > 0;)  /* from the last on, as a landing pad may be hooked after what follows it only */
    assert_int_equal(install((uintptr_t)(code + i), i % 3 ? 0 : SIGHOOK_FORCE_TRAP, &hooks[i]), SIGHOOK_OK);
  for (unsigned round = 0; round < 100; round++) {
    unsigned cpu;

    hits = 0;
    assert_int_equal(syscall(SYS_getcpu, &cpu, NULL, NULL), 0);
    assert_int_equal(sched_getcpu(), cpu);
    assert_true(hits > 1);
    assert_int_equal(area()->cpu_id, cpu);
    assert_int_equal(area()->rseq_cs, 0);
  }
  for (unsigned i = 0; i < words; i++)
    assert_int_equal(sighook_remove(hooks[i]), SIGHOOK_OK);
}

static void expect_refused(uintptr_t address)
{
  sighook_error error = {.size = sizeof error};
  sighook_hook hook;

  assert_int_equal(install(address, 0, &hook), SIGHOOK_UNRELOCATABLE);
  assert_int_equal(sighook_last_error(&error), SIGHOOK_OK);
  assert_non_null(strstr(error.message, "rseq critical section"));
}

/* What stores the descriptor's address too: were it displaced, the kernel could find the thread outside of the sequence when it
 * next looks, and forget about it. */
static void a_sequence_is_refused_from_the_store_that_begins_it(void **state)
{
  (void)state;
  for (uintptr_t at = (uintptr_t)sequence_start - WORD; at < (uintptr_t)sequence_end; at += WORD)
    expect_refused(at);
  expect_refused((uintptr_t)sequence_abort - WORD);
}

static void a_sequence_runs_between_hooks(void **state)
{
  const uintptr_t at[] = {(uintptr_t)sequence, (uintptr_t)sequence_start - 2 * WORD, (uintptr_t)sequence_end,
                          (uintptr_t)sequence_abort};
  enum { HOOKS = sizeof at / sizeof *at };
  sighook_hook hooks[HOOKS];
  long counter = 0, aborts = 0;

  (void)state;
  for (unsigned i = 0; i < HOOKS; i++)
    assert_int_equal(install(at[i], i % 2 ? SIGHOOK_FORCE_TRAP : 0, &hooks[i]), SIGHOOK_OK);
  hits = 0;
  for (unsigned i = 0; i < ROUNDS; i++)
    aborts += sequence(area(), &counter);
  assert_int_equal(counter + aborts, ROUNDS);
  assert_int_equal(hits, 3 * ROUNDS);   /* the entry, before the store, the end or the abort's */
  assert_true(counter > 0);
  for (unsigned i = 0; i < HOOKS; i++)
    assert_int_equal(sighook_remove(hooks[i]), SIGHOOK_OK);
}

/* ---- perf ---- */

static int open_counter(uint32_t type, uint64_t config, uint64_t address)
{
  struct perf_event_attr attributes = {
      .size = sizeof attributes, .type = type, .config = config, .exclude_kernel = 1, .exclude_hv = 1, .disabled = 1};

  if (type == PERF_TYPE_BREAKPOINT) {
    attributes.bp_type = 4;             /* HW_BREAKPOINT_X */
    attributes.bp_addr = address;
    attributes.bp_len = WORD;
  }
  return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}

static __attribute__((noinline)) long work(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

static long run(void)
{
  long value = 0;

  for (unsigned i = 0; i < ROUNDS; i++)
    value = work(value);
  return value;
}

static uint64_t counted(int counter)
{
  uint64_t value = 0;

  assert_int_equal(ioctl(counter, PERF_EVENT_IOC_RESET, 0), 0);
  assert_int_equal(ioctl(counter, PERF_EVENT_IOC_ENABLE, 0), 0);
  assert_int_equal(run(), ROUNDS);
  assert_int_equal(ioctl(counter, PERF_EVENT_IOC_DISABLE, 0), 0);
  assert_int_equal(read(counter, &value, sizeof value), sizeof value);
  return value;
}

/* The same counter before, while and after: its hits are instructions of the thread like others. */
static void perf_goes_on_counting_instructions(void **state)
{
  int counter = open_counter(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 0);
  static const uint32_t flags[] = {0, SIGHOOK_COUNT, SIGHOOK_FORCE_TRAP};
  uint64_t plain;

  (void)state;
  if (counter < 0)
    skip();
  plain = counted(counter);
  assert_in_range(plain, 5 * ROUNDS, 20 * ROUNDS);
  for (unsigned i = 0; i < 3; i++) {
    uint64_t hooked;
    sighook_hook hook;

    assert_int_equal(install((uintptr_t)work, flags[i], &hook), SIGHOOK_OK);
    hits = 0;
    hooked = counted(counter);
    assert_int_equal(hits, ROUNDS);
    print_message("%lu instructions, hooked %lu\n", (unsigned long)plain, (unsigned long)hooked);
    assert_in_range(hooked, plain + 20 * ROUNDS, plain + 2000 * ROUNDS);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
    assert_in_range(counted(counter), plain - ROUNDS, plain + ROUNDS);
  }
  close(counter);
}

/* A hardware breakpoint of perf's on the hooked instruction counts arrivals. */
static void perf_counts_arrivals_at_the_site(void **state)
{
  int counter = open_counter(PERF_TYPE_BREAKPOINT, 0, (uintptr_t)work);
  sighook_hook hook;

  (void)state;
  if (counter < 0)
    skip();
  assert_int_equal(counted(counter), ROUNDS);
  assert_int_equal(install((uintptr_t)work, 0, &hook), SIGHOOK_OK);
  hits = 0;
  assert_int_equal(counted(counter), ROUNDS);
  assert_int_equal(hits, ROUNDS);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_int_equal(counted(counter), ROUNDS);
  close(counter);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(libc_reads_its_area_under_hooks),
      cmocka_unit_test(a_sequence_is_refused_from_the_store_that_begins_it),
      cmocka_unit_test(a_sequence_runs_between_hooks),
      cmocka_unit_test(perf_goes_on_counting_instructions),
      cmocka_unit_test(perf_counts_arrivals_at_the_site),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
