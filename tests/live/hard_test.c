/* Every instruction of every hard pattern, hooked alone and all together, by whatever entry fits and by traps: the function
 * must compute what it computes unhooked, whatever the handler does to the registers that it need not preserve. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <signal.h>
#include <sighook/signals.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sighook/sighook.h>
#include "isa/x86_64/insn.h"
#include "spoil.h"

struct pattern {
  const char *name;
  long (*function)(long);
  const uint8_t *end;
};
extern const struct pattern patterns[];

enum { INSNS_MAX = 32 };
static const long arguments[] = {0, 5, -7};
static long hits;

static void spoil(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
  spoil_state();
}

static unsigned instruction_starts(const struct pattern *pattern, uintptr_t starts[INSNS_MAX])
{
  unsigned count = 0;

  for (const uint8_t *at = (const uint8_t *)pattern->function; at < pattern->end;) {
    size_t length = x64_length(at, (size_t)(pattern->end - at));

    assert_int_not_equal(length, 0);
    starts[count++] = (uintptr_t)at;
    at += length;
  }
  return count;
}

static void expect(const struct pattern *pattern, const long *results, const char *what)
{
  for (unsigned i = 0; i < sizeof arguments / sizeof arguments[0]; i++) {
    long result;

    errno = 5;
    result = pattern->function(arguments[i]);
    if (result != results[i] || errno != 5) {
      print_error("%s(%ld), %s: %ld, errno %d; expected %ld\n", pattern->name, arguments[i], what, result, errno, results[i]);
      fail();
    }
  }
}

static sighook_hook install(uintptr_t address, uint32_t flags)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = address, .handler = spoil, .flags = flags};
  sighook_error error = {.size = sizeof error};
  sighook_hook hook;

  if (sighook_install(&spec, &hook) != SIGHOOK_OK) {
    sighook_last_error(&error);
    print_error("%#lx: %s\n", (unsigned long)address, error.message);
    fail();
  }
  return hook;
}

/* Some patterns know no return value: what they leave in rax is the caller's own. */
static void results_of(const struct pattern *pattern, long *results)
{
  for (unsigned i = 0; i < sizeof arguments / sizeof arguments[0]; i++)
    results[i] = pattern->function(arguments[i]);
}

static int returns_nothing(const struct pattern *pattern)
{
  return strcmp(pattern->name, "ret_alone") == 0 || strcmp(pattern->name, "packed") == 0;
}

static void every_instruction_alone(uint32_t flags, const char *what)
{
  for (const struct pattern *pattern = patterns; pattern->name; pattern++) {
    uintptr_t starts[INSNS_MAX];
    uint8_t before[256];
    long results[3];
    size_t size = (size_t)(pattern->end - (const uint8_t *)pattern->function);
    unsigned count = instruction_starts(pattern, starts), reached = 0;

    if (returns_nothing(pattern))
      continue;
    results_of(pattern, results);
    memcpy(before, (const void *)pattern->function, size);
    for (unsigned i = 0; i < count; i++) {
      sighook_hook hook;

      if (strcmp(pattern->name, "over_a_lock_prefix") == 0 && i == 2)
        continue;                       /* two instructions overlap there; see its own test */
      hook = install(starts[i], flags);
      hits = 0;
      expect(pattern, results, what);
      reached += hits > 0;
      assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
      assert_memory_equal(before, (const void *)pattern->function, size);
    }
    assert_true(reached > 0);
  }
}

static void each_instruction_hooked_alone_changes_nothing(void **state)
{
  (void)state;
  every_instruction_alone(0, "alone");
}

static void each_instruction_trapped_alone_changes_nothing(void **state)
{
  (void)state;
  every_instruction_alone(SIGHOOK_FORCE_TRAP, "trapped");
}

static void each_instruction_without_puns_changes_nothing(void **state)
{
  (void)state;
  every_instruction_alone(SIGHOOK_NO_PUN, "without puns");
}

/* cmocka takes SIGILL for itself before each test: as a host that handles it, the test hands over what is the library's. */
static void hand_over(int signal_number, siginfo_t *info, void *ucontext)
{
  if (!sighook_handle_signal(signal_number, info, ucontext))
    _exit(1);
}

static void hand_over_illegal(void)
{
  struct sigaction action = {.sa_sigaction = hand_over, .sa_flags = SA_SIGINFO | SA_NODEFER};

  assert_int_equal(sigaction(SIGILL, &action, NULL), 0);
}

static void all_instructions_hooked_together_change_nothing(void **state)
{
  (void)state;
  hand_over_illegal();
  for (unsigned order = 0; order < 2; order++)
    for (const struct pattern *pattern = patterns; pattern->name; pattern++) {
      uintptr_t starts[INSNS_MAX];
      sighook_hook hooks[INSNS_MAX];
      uint8_t before[256];
      long results[3];
      size_t size = (size_t)(pattern->end - (const uint8_t *)pattern->function);
      unsigned count = instruction_starts(pattern, starts);

      if (returns_nothing(pattern) || strcmp(pattern->name, "over_a_lock_prefix") == 0)
        continue;
      results_of(pattern, results);
      memcpy(before, (const void *)pattern->function, size);
      for (unsigned i = 0; i < count; i++) {
        unsigned at = order ? count - 1 - i : i;

        hooks[at] = install(starts[at], 0);
        expect(pattern, results, "growing");
      }
      for (unsigned i = 0; i < count; i++) {
        assert_int_equal(sighook_remove(hooks[i]), SIGHOOK_OK);
        expect(pattern, results, "shrinking");
      }
      assert_memory_equal(before, (const void *)pattern->function, size);
    }
}

/* Each leans on bytes that change with it. */
static void all_instructions_hooked_as_one_batch_change_nothing(void **state)
{
  (void)state;
  hand_over_illegal();
  for (unsigned order = 0; order < 2; order++)
    for (const struct pattern *pattern = patterns; pattern->name; pattern++) {
      uintptr_t starts[INSNS_MAX];
      sighook_hook hooks[INSNS_MAX];
      uint8_t before[256];
      long results[3];
      size_t size = (size_t)(pattern->end - (const uint8_t *)pattern->function);
      unsigned count = instruction_starts(pattern, starts);
      sighook_batch *batch;

      if (returns_nothing(pattern) || strcmp(pattern->name, "over_a_lock_prefix") == 0)
        continue;
      results_of(pattern, results);
      memcpy(before, (const void *)pattern->function, size);
      assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
      for (unsigned i = 0; i < count; i++) {
        sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = spoil};

        spec.address = starts[order ? count - 1 - i : i];
        assert_int_equal(sighook_batch_install(batch, &spec, &hooks[i]), SIGHOOK_OK);
      }
      assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
      sighook_batch_destroy(batch);
      expect(pattern, results, "as one batch");
      assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
      for (unsigned i = 0; i < count; i++)
        assert_int_equal(sighook_batch_remove(batch, hooks[i]), SIGHOOK_OK);
      assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
      sighook_batch_destroy(batch);
      expect(pattern, results, "removed");
      assert_memory_equal(before, (const void *)pattern->function, size);
    }
}

/* The kernel keeps changed pages apart from others: an instruction across a page's end may lie in two mappings. */
static void an_instruction_may_lie_across_two_mappings(void **state)
{
  static const uint8_t adds_7[] = {0x48, 0x8d, 0x87, 7, 0, 0, 0, 0xc3};   /* lea 7(%rdi),%rax; ret */
  enum { PAGE = 4096, ACROSS = 3 };
  uint8_t *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  uint8_t *code = pages + PAGE - ACROSS;
  sighook_hook hook;

  (void)state;
  assert_true(mmap(pages + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0) == pages + PAGE);
  memcpy(code, adds_7, sizeof adds_7);
  assert_int_equal(mprotect(pages, 2 * PAGE, PROT_READ | PROT_EXEC), 0);
  hook = install((uintptr_t)code, 0);
  hits = 0;
  assert_int_equal(((long (*)(long))(uintptr_t)code)(5), 12);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_memory_equal(code, adds_7, sizeof adds_7);
  close(file);
  munmap(pages, 2 * PAGE);
}

static long replaced(long value)
{
  return value + 1000;
}

static void each_function_is_replaced_and_its_original_still_runs(void **state)
{
  (void)state;
  hand_over_illegal();
  for (const struct pattern *pattern = patterns; pattern->name; pattern++) {
    long results[3];
    void *original = NULL;

    if (returns_nothing(pattern))
      continue;
    results_of(pattern, results);
    assert_int_equal(sighook_inline_hook((uintptr_t)pattern->function, (const void *)replaced, &original, NULL), SIGHOOK_OK);
    assert_int_equal(pattern->function(7), 1007);
    for (unsigned i = 0; i < 3; i++)
      assert_int_equal(((long (*)(long))original)(arguments[i]), results[i]);
    assert_int_equal(sighook_unhook((uintptr_t)pattern->function), SIGHOOK_OK);
    expect(pattern, results, "unhooked");
  }
}

static void a_branch_over_a_lock_prefix_still_finds_its_instruction(void **state)
{
  const struct pattern *pattern = patterns;
  sighook_info info = {.size = sizeof info};
  uintptr_t starts[INSNS_MAX];
  sighook_hook hook;

  (void)state;
  while (strcmp(pattern->name, "over_a_lock_prefix") != 0)
    pattern++;
  instruction_starts(pattern, starts);
  hook = install(starts[2], 0);
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_int_equal(info.entry, SIGHOOK_ENTRY_TRAP);
  hits = 0;
  assert_int_equal(pattern->function(5), 5);
  assert_int_equal(hits, 1);
  assert_int_equal(pattern->function(0), 0);   /* jumps behind the prefix */
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_instruction_hooked_alone_changes_nothing),
      cmocka_unit_test(each_instruction_trapped_alone_changes_nothing),
      cmocka_unit_test(each_instruction_without_puns_changes_nothing),
      cmocka_unit_test(all_instructions_hooked_together_change_nothing),
      cmocka_unit_test(all_instructions_hooked_as_one_batch_change_nothing),
      cmocka_unit_test(an_instruction_may_lie_across_two_mappings),
      cmocka_unit_test(each_function_is_replaced_and_its_original_still_runs),
      cmocka_unit_test(a_branch_over_a_lock_prefix_still_finds_its_instruction),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
