/* Code that may not be hooked whatever its bytes. */
#include "test_codemap_support.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host/host.h"
#include "resolve/modules.h"
#include "resolve/zones.h"
#include "test_codemap_machine.h"

static uintptr_t in(void *library, const char *name)
{
  void *address = dlsym(library, name);

  if (!address)
    fail_msg("the fixture has no %s", name);
  return (uintptr_t)address;
}

static void *opened(const char *path)
{
  void *library = dlopen(path, RTLD_NOW);

  if (!library)
    fail_msg("%s", dlerror());
  return library;
}

static bool is_forbidden(uintptr_t address, size_t length, const char *word)
{
  const char *why = NULL;

  if (!zone_find(address, length, &why))
    return false;
  assert_non_null(why);
  if (!strstr(why, word))
    fail_msg("%#lx is forbidden since \"%s\", not for its %s", address, why, word);
  return true;
}

/* What the kernel was told to return to, asked from the kernel; 0: to code of its own. */
static uintptr_t restorer(void)
{
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
  } action = {0};

  signal(SIGUSR2, (void (*)(int))exit);
  assert_int_equal(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &action, sizeof action.mask), 0);
  return (uintptr_t)action.restorer;
}

static void check_signal_return(uintptr_t start)
{
  size_t length;

  host_signal_return(&length);
  for (uintptr_t at = start; at < start + length; at++)
    assert_true(is_forbidden(at, 1, "signal return"));
  assert_true(is_forbidden(start - 1, 2, "signal return"));
  assert_true(is_forbidden(start - (HOST_INSN_MAX - 1), HOST_INSN_MAX, "signal return"));
  assert_false(is_forbidden(start - 1, 1, ""));
  assert_false(is_forbidden(start + length, HOST_INSN_MAX, ""));
}

static void the_signal_return_is_forbidden_to_its_last_byte(void **state)
{
  uintptr_t libc = restorer();

  (void)state;
  assert_int_equal(libc != 0, LIBC_RETURNS_FROM_SIGNALS);
  if (libc)
    check_signal_return(libc);
  check_signal_return(in(opened(CODE_LIBRARY), "returns_from_signal"));
}

static void kernel_code_is_forbidden(void **state)
{
  uintptr_t vdso = getauxval(AT_SYSINFO_EHDR), end = vdso;
  const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)vdso;
  const ElfW(Phdr) * headers;

  (void)state;
  assert_int_not_equal(vdso, 0);
  headers = (const ElfW(Phdr) *)(vdso + header->e_phoff);
  for (unsigned i = 0; i < header->e_phnum; i++)
    if (headers[i].p_type == PT_LOAD)
      end = vdso + headers[i].p_memsz;
  assert_true(is_forbidden(vdso, 4, "vDSO"));
  assert_true(is_forbidden(end - 1, 1, "vDSO"));
  assert_false(is_forbidden(vdso - 1, 1, ""));
  assert_true(is_forbidden(UINT64_C(0xFFFFFFFFFF600000), 1, "vsyscall"));
}

static void restartable_sequences_are_forbidden(void **state)
{
  void *library = opened(CODE_LIBRARY);
  uintptr_t start = in(library, "restartable_start"), end = in(library, "restartable_end");
  uintptr_t signature = in(library, "restartable_signature"), after = in(library, "restartable_abort");

  (void)state;
  for (uintptr_t at = start; at < end; at++)
    assert_true(is_forbidden(at, 1, "rseq"));
  assert_true(is_forbidden(start - 1, 1, "rseq"));    /* in the instruction that tells the kernel of it */
  assert_false(is_forbidden(start - 2, 1, ""));
  assert_false(is_forbidden(end, 1, ""));
  assert_false(is_forbidden(signature - 1, 1, ""));
  assert_true(is_forbidden(signature - 3, 7, "rseq"));
  for (uintptr_t at = signature; at < after; at++)
    assert_true(is_forbidden(at, 1, "rseq"));
  assert_false(is_forbidden(after, 2, ""));
}

static void check_cancellable(void *library)
{
  uintptr_t start = in(library, "cancellable_start"), end = in(library, "cancellable_end");

  for (uintptr_t at = start; at < end; at++)
    assert_true(is_forbidden(at, 1, "cancel"));
  assert_true(is_forbidden(start - 1, 2, "cancel"));
  assert_false(is_forbidden(start - 1, 1, ""));
  assert_false(is_forbidden(end, 1, ""));
}

static void cancellable_system_calls_are_known_by_their_bytes(void **state)
{
  (void)state;
  check_cancellable(opened(STRIPPED_LIBRARY));
}

static void cancellation_ranges_are_known_by_their_names(void **state)
{
  void *libc = opened(LIBC_LIBRARY);
  uintptr_t start = in(libc, "named_start"), end = in(libc, "named_end");

  (void)state;
  assert_false(is_forbidden(start - 1, 1, ""));
  assert_true(is_forbidden(start, end - start, "cancel"));
  assert_true(is_forbidden(end - 1, 1, "cancel"));
  assert_false(is_forbidden(end, 1, ""));
  assert_false(is_forbidden(in(opened(STRIPPED_LIBRARY), "named_start"), end - start, ""));
}

static void ordinary_functions_are_no_zones(void **state)
{
  static const char *const names[] = {"malloc",    "free",  "read",   "write", "open",
                                      "sigaction", "raise", "memcpy", "clone"};

  (void)state;
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    assert_false(is_forbidden(in(RTLD_DEFAULT, names[i]), 15, ""));
  assert_false(is_forbidden((uintptr_t)ordinary_functions_are_no_zones, 15, ""));
}

/* Facts of a module outlive the arrival of others, and not the module. */
static void zones_follow_the_modules(void **state)
{
  void *library = opened(CODE_LIBRARY);
  uintptr_t start = in(library, "restartable_start");
  uint64_t serial;

  (void)state;
  assert_true(is_forbidden(start, 1, "rseq"));
  serial = modules_find(start)->serial;
  dlclose(opened(RELOAD_FIRST));
  assert_true(is_forbidden(start, 1, "rseq"));
  assert_int_equal(modules_find(start)->serial, serial);
  while (has_module("codemap_code.so"))
    dlclose(library);
  assert_null(modules_find(start));
}

static void a_test_is_cheap(void **state)
{
  enum {
    ROUNDS = 200000
  };
  const char *why;
  uintptr_t address = in(RTLD_DEFAULT, "malloc");
  double before;

  (void)state;
  zone_find(address, 5, &why);
  reads_are_direct = true;
  before = now_ns();
  for (unsigned i = 0; i < ROUNDS; i++)
    assert_false(zone_find(address, 5, &why));
  reads_are_direct = false;
  before = (now_ns() - before) / ROUNDS;
  print_message("a test for zones takes %.0f ns\n", before);
  assert_true(before < 5000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_signal_return_is_forbidden_to_its_last_byte),
      cmocka_unit_test(kernel_code_is_forbidden),
      cmocka_unit_test(restartable_sequences_are_forbidden),
      cmocka_unit_test(cancellable_system_calls_are_known_by_their_bytes),
      cmocka_unit_test(cancellation_ranges_are_known_by_their_names),
      cmocka_unit_test(ordinary_functions_are_no_zones),
      cmocka_unit_test(a_test_is_cheap),
      cmocka_unit_test(zones_follow_the_modules),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
