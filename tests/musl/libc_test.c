/* musl as the library sees it: names, where there are any; code whose addresses the kernel or musl itself compares;
 * threads with musl's small stacks. In a static program musl is in the program, which exports no names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <sighook/sighook.h>

struct libc {
  const char *name;
  uintptr_t text, text_end;
  bool is_static;
};

/* The module that holds malloc. */
static int find_libc(struct dl_phdr_info *info, size_t size, void *user)
{
  struct libc *libc = user;

  (void)size;
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr;

    if (header->p_type == PT_LOAD && (header->p_flags & PF_X) && (uintptr_t)malloc - start < header->p_memsz)
      *libc = (struct libc){info->dlpi_name, start, start + header->p_memsz,
                            (uintptr_t)info->dlpi_phdr == getauxval(AT_PHDR)};
  }
  return libc->text != 0;
}

static struct libc libc;

static __attribute__((noinline)) long hooked(long value)
{
  __asm__ volatile("");
  return value + 1;
}
static long (*volatile call_hooked)(long) = hooked;

static const char *message(void)
{
  static sighook_error error;

  error.size = sizeof error;
  assert_int_equal(sighook_last_error(&error), SIGHOOK_OK);
  return error.message;
}

static void names_are_found_where_there_are_any(void **state)
{
  uintptr_t address = 0;
  char name[512];

  (void)state;
  snprintf(name, sizeof name, "%s!malloc", libc.name);
  if (libc.is_static) {
    assert_int_equal(sighook_resolve("malloc", &address), SIGHOOK_NOT_FOUND);
    assert_non_null(strstr(message(), "static"));
    return;
  }
  assert_non_null(strstr(libc.name, "ld-musl-"));
  assert_int_equal(sighook_resolve("malloc", &address), SIGHOOK_OK);
  assert_int_equal(address, (uintptr_t)malloc);
  assert_int_equal(sighook_resolve(name, &address), SIGHOOK_OK);
  assert_int_equal(address, (uintptr_t)malloc);
  assert_int_equal(sighook_resolve("mallco", &address), SIGHOOK_NOT_FOUND);
  assert_non_null(strstr(message(), "malloc"));
}

static void versions_are_answered_with_a_reason(void **state)
{
  uintptr_t address = 0;

  (void)state;
  assert_int_equal(sighook_resolve("malloc@GLIBC_2.17", &address), SIGHOOK_NOT_FOUND);
  assert_non_null(strstr(message(), "no version"));
}

/* Whatever name the program was started by. */
static void the_program_is_called_by_its_file(void **state)
{
  char path[4096], name[4200];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  uintptr_t address = 0;

  (void)state;
  assert_true(length > 0);
  path[length] = 0;
  snprintf(name, sizeof name, "%s+0x40", strrchr(path, '/') + 1);
  assert_int_equal(sighook_resolve(name, &address), SIGHOOK_OK);
  assert_true((uintptr_t)hooked - address < 1 << 24);
  snprintf(name, sizeof name, "%s!__vdso_getcpu",
           strrchr(path, '/') + 1); /* nor is the vDSO, which has no name, called so */
  assert_int_equal(sighook_resolve(name, &address), SIGHOOK_NOT_FOUND);
}

static void nothing(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
}

static void expect_refusal(uintptr_t address, const char *word)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = address, .handler = nothing};
  sighook_hook hook;

  assert_int_not_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  if (!strstr(message(), word))
    fail_msg("%#lx is refused since \"%s\", not for its %s", (unsigned long)address, message(), word);
}

static void the_signal_return_is_refused(void **state)
{
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
  } action = {0};

  (void)state;
  signal(SIGUSR2, (void (*)(int))exit);
  assert_int_equal(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &action, sizeof action.mask), 0);
  signal(SIGUSR2, SIG_DFL);
  assert_non_null(action.restorer);
  expect_refusal((uintptr_t)action.restorer, "signal return");
}

/* musl's own marks of it, which a static program has; libc.so is without symbols. */
extern const char cancellable_start[] __asm__("__cp_begin") __attribute__((weak));
extern const char cancellable_end[] __asm__("__cp_end") __attribute__((weak));

/* Its last instructions: the sixth argument moved, then the system call. */
#ifdef __x86_64__
static const uint8_t ending[] = {0x4C, 0x89, 0x5C, 0x24, 0x08, 0x0F, 0x05};
enum {
  CALL = 2
};
#else
static const uint8_t ending[] = {0xE5, 0x03, 0x07, 0xAA, 0x01, 0x00, 0x00, 0xD4};
enum {
  CALL = 4
};
#endif

static void the_cancellable_system_call_is_refused(void **state)
{
  uintptr_t end = (uintptr_t)cancellable_end;
  unsigned found = 0;

  (void)state;
  assert_int_equal(end != 0, libc.is_static);
  if (end) {
    expect_refusal((uintptr_t)cancellable_start, "cancel");
    assert_memory_equal((const void *)(end - sizeof ending), ending, sizeof ending);
  }
  for (uintptr_t at = libc.text; !libc.is_static && at + sizeof ending <= libc.text_end; at++)
    if (memcmp((const void *)at, ending, sizeof ending) == 0) {
      end = at + sizeof ending;
      found++;
    }
  assert_true(libc.is_static || found == 1);
  expect_refusal(end - sizeof ending, "cancel");
  expect_refusal(end - CALL, "cancel");
}

static void write_text(sighook_context *context, void *user)
{
  char text[256];

  (void)context;
  snprintf(text, sizeof text, "%d %s %f", 1, "hit", 0.5);
  if (strcmp(text, "1 hit 0.500000") == 0)
    atomic_fetch_add((_Atomic long *)user, 1);
}

static void *call_often(void *unused)
{
  for (long i = 0; i < 1000; i++)
    if (call_hooked(i) != i + 1)
      abort();
  return unused;
}

static void *install_here(void *spec)
{
  sighook_hook hook;

  if (sighook_install(spec, &hook) != SIGHOOK_OK || call_hooked(1) != 2 ||
      sighook_remove_wait(hook, 1000) != SIGHOOK_OK)
    abort();
  return NULL;
}

static void *be_cancelled(void *unused)
{
  call_hooked(1);
  for (;;)
    pause();
  return unused;
}

static void handlers_and_calls_fit_into_the_stacks_of_threads(void **state)
{
  _Atomic long hits = 0;
  sighook_spec spec = {
      .size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)hooked, .handler = write_text, .user = &hits};
  pthread_t threads[8], sleeper;
  sighook_hook hook;
  void *result;

  (void)state;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  for (unsigned i = 0; i < 8; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, call_often, NULL), 0);
  for (unsigned i = 0; i < 8; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  assert_int_equal(atomic_load(&hits), 8000);
  assert_int_equal(pthread_create(&threads[0], NULL, install_here, &spec), 0);
  assert_int_equal(pthread_join(threads[0], NULL), 0);
  assert_int_equal(atomic_load(&hits), 8002);
  assert_int_equal(pthread_create(&sleeper, NULL, be_cancelled, NULL), 0);
  assert_int_equal(pthread_cancel(sleeper), 0);
  assert_int_equal(pthread_join(sleeper, &result), 0);
  assert_ptr_equal(result, PTHREAD_CANCELED);
  assert_int_equal(sighook_remove_wait(hook, 1000), SIGHOOK_OK);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_found_where_there_are_any),
      cmocka_unit_test(versions_are_answered_with_a_reason),
      cmocka_unit_test(the_program_is_called_by_its_file),
      cmocka_unit_test(the_signal_return_is_refused),
      cmocka_unit_test(the_cancellable_system_call_is_refused),
      cmocka_unit_test(handlers_and_calls_fit_into_the_stacks_of_threads),
  };

  (void)argc;
  /* musl's loader knows the program by this name, which is no path; an emulator may not be able to start it again. */
  if (strcmp(argv[0], "renamed") != 0)
    execv("/proc/self/exe", (char *[]){"renamed", NULL});
  dl_iterate_phdr(find_libc, &libc);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
