/* What only a kernel shows: how undefined instructions are reported from where they were displaced to, code that can be executed
 * but not read, and what pages are beyond read, write and execute. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <sighook/sighook.h>

enum { WORD = 4, PROT_GUARDED = 0x10, PROT_TAGGED = 0x20 };
#define BREAKPOINT UINT32_C(0xD4200000)

typedef long function(long);
function undefined_udf, undefined_unallocated, undefined_hlt, undefined_smc, undefined_eret, undefined_system;
extern const char undefined_udf_at[], undefined_unallocated_at[], undefined_hlt_at[], undefined_smc_at[], undefined_eret_at[],
    undefined_system_at[], add_one[], add_one_end[];

static const struct {
  const char *name;
  function *call;
  const char *at;
} undefined[] = {
    {"udf", undefined_udf, undefined_udf_at},    {"unallocated", undefined_unallocated, undefined_unallocated_at},
    {"hlt", undefined_hlt, undefined_hlt_at},    {"smc", undefined_smc, undefined_smc_at},
    {"eret", undefined_eret, undefined_eret_at}, {"system register", undefined_system, undefined_system_at},
};
enum { UNDEFINED = sizeof undefined / sizeof *undefined };

static const uint32_t entries[] = {0, SIGHOOK_FORCE_TRAP, SIGHOOK_COUNT};
enum { ENTRIES = 3 };

static long hits;

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

static sighook_hook installed(const void *address, uint32_t flags)
{
  sighook_spec spec = {
      .size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags, .address = (uintptr_t)address, .handler = count};
  sighook_hook hook;

  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  return hook;
}

/* ---- signals ---- */

static struct report {
  int count, number, code;
  uintptr_t address, pc, sp, x0;
} seen;

static void step_over(int number, siginfo_t *info, void *ucontext)
{
  mcontext_t *machine = &((ucontext_t *)ucontext)->uc_mcontext;
  uintptr_t pc = machine->pc;

  sighook_fix_context(ucontext);
  seen = (struct report){seen.count + 1, number, info->si_code, sighook_original_pc((uintptr_t)info->si_addr),
                         machine->pc, machine->sp, machine->regs[0]};
  if ((uintptr_t)info->si_addr != pc)
    seen.address = 0;                 /* it is told as the pc is */
  machine->pc += WORD;
}

static struct report call(function *function)
{
  seen = (struct report){0};
  assert_int_equal(function(5), 16);
  return seen;
}

static void undefined_instructions_are_reported_as_where_they_stood(void **state)
{
  struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = step_over};

  (void)state;
  assert_int_equal(sigaction(SIGILL, &action, NULL), 0);
  for (unsigned i = 0; i < UNDEFINED; i++) {
    struct report plain = call(undefined[i].call);

    assert_int_equal(plain.count, 1);
    assert_int_equal(plain.pc, (uintptr_t)undefined[i].at);
    assert_int_equal(plain.address, plain.pc);
    print_message("%s: signal %d, code %d\n", undefined[i].name, plain.number, plain.code);
    for (unsigned entry = 0; entry < ENTRIES; entry++) {
      sighook_hook hook = installed(undefined[i].at, entries[entry]);
      struct report hooked;

      hits = 0;
      hooked = call(undefined[i].call);
      assert_memory_equal(&hooked, &plain, sizeof plain);
      assert_int_equal(hits, 1);
      assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
      hooked = call(undefined[i].call);
      assert_memory_equal(&hooked, &plain, sizeof plain);
    }
  }
}

/* ---- pages ---- */

static void *code_page(int protection)
{
  size_t size = (size_t)sysconf(_SC_PAGESIZE);
  void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  assert_true(page != MAP_FAILED);
  memcpy(page, add_one, (size_t)(add_one_end - add_one));
  __builtin___clear_cache(page, (char *)page + size);
  assert_int_equal(mprotect(page, size, protection), 0);
  return page;
}

static void free_page(void *page)
{
  munmap(page, (size_t)sysconf(_SC_PAGESIZE));
}

/* What /proc/self/smaps says of the mapping that begins at `page`: its permissions, its flags. */
static void describe(const void *page, char *text, size_t size)
{
  FILE *file = fopen("/proc/self/smaps", "r");
  char line[512], start[32];
  int inside = 0;

  assert_non_null(file);
  snprintf(start, sizeof start, "%lx-", (unsigned long)(uintptr_t)page);
  text[0] = 0;
  while (fgets(line, sizeof line, file)) {
    if (strncmp(line, start, strlen(start)) == 0) {
      inside = 1;
      snprintf(text, size, "%.5s", strchr(line, ' ') + 1);
    } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
      strncat(text, line, size - strlen(text) - 1);
      break;
    }
  }
  fclose(file);
  assert_true(text[0] != 0);
}

/* Hooks of each kind at the pad and behind it; the description is the same before, while and after. */
static void hooks_keep_page(void *page, const char *expected)
{
  char before[600], after[600];
  function *add = (function *)(uintptr_t)page;

  describe(page, before, sizeof before);
  assert_non_null(strstr(before, expected));
  for (unsigned i = 0; i < 2 * ENTRIES; i++) {
    sighook_hook hook = installed((char *)page + i / ENTRIES * WORD, entries[i % ENTRIES]);

    hits = 0;
    assert_int_equal(add(5), 6);
    assert_int_equal(hits, 1);
    describe(page, after, sizeof after);
    assert_string_equal(after, before);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
    assert_int_equal(add(5), 6);
    describe(page, after, sizeof after);
    assert_string_equal(after, before);
  }
}

static void guarded_and_tagged_pages_stay_so(void **state)
{
  void *guarded = code_page(PROT_READ | PROT_EXEC | PROT_GUARDED), *tagged = code_page(PROT_READ | PROT_EXEC | PROT_TAGGED);
  void *both = code_page(PROT_READ | PROT_EXEC | PROT_GUARDED | PROT_TAGGED);

  (void)state;
  hooks_keep_page(guarded, " bt");
  hooks_keep_page(tagged, " mt");
  hooks_keep_page(both, " bt");
  hooks_keep_page(both, " mt");
  free_page(guarded);
  free_page(tagged);
  free_page(both);
}

static sigjmp_buf unreadable;

static void on_fault(int number)
{
  (void)number;
  siglongjmp(unreadable, 1);
}

static int can_be_read(const void *page)
{
  struct sigaction action = {.sa_handler = on_fault}, before;
  volatile int readable = 0;

  sigaction(SIGSEGV, &action, &before);
  if (!sigsetjmp(unreadable, 1)) {
    (void)*(const volatile uint32_t *)page;
    readable = 1;
  }
  sigaction(SIGSEGV, &before, NULL);
  return readable;
}

static void code_that_can_only_be_executed_is_hooked_and_stays_so(void **state)
{
  void *page = code_page(PROT_EXEC), *guarded = code_page(PROT_EXEC | PROT_GUARDED);

  (void)state;
  assert_false(can_be_read(page));    /* else this processor has no such thing */
  hooks_keep_page(page, "--xp");
  hooks_keep_page(guarded, "--xp");
  assert_false(can_be_read(page));
  assert_false(can_be_read(guarded));
  free_page(page);
  free_page(guarded);
}

/* The library's handler asks what stands at the address of a trap that it does not know, or no longer. */
static void somebody_elses_breakpoint_there_is_handed_on(void **state)
{
  static const uint32_t words[] = {BREAKPOINT, 0xD65F03C0};
  void *page = code_page(PROT_EXEC);
  sighook_hook hook = installed((char *)page + WORD, SIGHOOK_FORCE_TRAP);
  int memory = open("/proc/self/mem", O_RDWR);

  (void)state;
  assert_int_equal(((function *)(uintptr_t)page)(5), 6);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_int_equal(pwrite(memory, words, sizeof words, (off_t)(uintptr_t)page + WORD), sizeof words);
  close(memory);
  mprotect(page, WORD, PROT_READ | PROT_EXEC);
  __builtin___clear_cache(page, (char *)page + 4 * WORD);
  mprotect(page, WORD, PROT_EXEC);
  seen = (struct report){0};
  assert_int_equal(((function *)(uintptr_t)page)(5), 5);
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.number, SIGTRAP);
  assert_int_equal(seen.pc, (uintptr_t)page + WORD);
  free_page(page);
}

/* Before the library's, which hands on what it does not know. */
static int handle_traps(void **state)
{
  struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = step_over};

  (void)state;
  return sigaction(SIGTRAP, &action, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(undefined_instructions_are_reported_as_where_they_stood),
      cmocka_unit_test(guarded_and_tagged_pages_stay_so),
      cmocka_unit_test(code_that_can_only_be_executed_is_hooked_and_stays_so),
      cmocka_unit_test(somebody_elses_breakpoint_there_is_handed_on),
  };

  return cmocka_run_group_tests(tests, handle_traps, NULL);
}
