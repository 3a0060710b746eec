/* A program that hooks itself: functions of its own, and those of libc that sanitizers and static linkers have versions of their own
 * of. It is linked in many ways; each must give the same results. Prints `ok - ` and `not ok - ` lines. */
#define _GNU_SOURCE
#include "host.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sighook/sighook.h>

enum { THREADS = 3, CALLS = 3000, TOGGLES = 30 };

static const uint32_t entries[] = {0, SIGHOOK_FORCE_TRAP, SIGHOOK_COUNT, SIGHOOK_NO_PUN};
enum { ENTRIES = sizeof entries / sizeof *entries };

static unsigned long hits, hits_of_libc;
static long (*original)(long);
static const char *refusal;           /* what a refusal must say, in a sandbox and where a sanitizer's thread is deaf to traps */
static int failed;

bool host_refused(void)
{
  sighook_error error = {.size = sizeof error};

  return refusal && *refusal && sighook_last_error(&error) == SIGHOOK_OK && strstr(error.message, refusal);
}

bool host_removed(sighook_hook hook)
{
  return sighook_remove_wait(hook, 10000) == SIGHOOK_OK || host_refused();
}

void check(const char *row, bool holds)
{
  sighook_error error = {.size = sizeof error};

  failed |= !holds;
  printf("%s - %s\n", holds ? "ok" : "not ok", row);
  if (!holds && sighook_last_error(&error) == SIGHOOK_OK)
    printf("# %s\n", error.message);
}

static void count(sighook_context *context, void *user)
{
  (void)context;
  __atomic_fetch_add((unsigned long *)user, 1, __ATOMIC_RELAXED);
}

static sighook_spec probe_of(uintptr_t address, uint32_t flags)
{
  return (sighook_spec){
      .size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .flags = flags, .address = address, .handler = count, .user = &hits};
}

/* ---- its own functions ---- */

static __attribute__((noinline)) long own(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value * 3 + 1;
}

static __attribute__((noinline)) long instead(long value)
{
  return original(value) + 1000;
}

/* The compiler may know what a function of its own file does. */
static long (*volatile call_own)(long) = own;

static bool own_function_is_hooked(uint32_t flags)
{
  sighook_spec spec = probe_of((uintptr_t)own, flags);
  unsigned long before = hits;
  sighook_hook hook;

  if (sighook_install(&spec, &hook) != SIGHOOK_OK)
    return host_refused();
  if (call_own(2) != 7 || hits != before + 1)
    return false;
  return sighook_remove(hook) == SIGHOOK_OK && call_own(2) == 7 && hits == before + 1;
}

static bool own_function_is_replaced(uint32_t flags)
{
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_REPLACE,
                       .flags = flags & SIGHOOK_FORCE_TRAP,
                       .address = (uintptr_t)own,
                       .replacement = (const void *)(uintptr_t)instead,
                       .call_original = (void **)&original};
  sighook_hook hook;

  if (sighook_install(&spec, &hook) != SIGHOOK_OK)
    return host_refused();
  if (call_own(2) != 1007)
    return false;
  return sighook_remove(hook) == SIGHOOK_OK && call_own(2) == 7;
}

static void check_own(void)
{
  bool hooked = true, replaced = true;

  for (unsigned i = 0; i < ENTRIES; i++) {
    hooked = hooked && own_function_is_hooked(entries[i]);
    replaced = replaced && own_function_is_replaced(entries[i]);
  }
  check("a function of its own is hooked", hooked);
  check("a function of its own is replaced", replaced);
}

/* ---- functions of libc ---- */

static sighook_spec libc_probe_of(uintptr_t address, uint32_t flags)
{
  sighook_spec spec = probe_of(address, flags);

  spec.handler = host_count;
  spec.user = &hits_of_libc;
  return spec;
}

static bool hooked_and_right(const struct libc_function *function, uintptr_t address, uint32_t flags, bool must_hit)
{
  sighook_spec spec = libc_probe_of(address, flags);
  unsigned long before;
  sighook_hook hook;
  long expected = function->call(), hooked;

  if (sighook_install(&spec, &hook) != SIGHOOK_OK)
    return host_refused();
  before = hits_of_libc;
  hooked = function->call();
  if (must_hit && hits_of_libc == before)
    return false;
  return sighook_remove(hook) == SIGHOOK_OK && hooked == expected && function->call() == expected;
}

static void check_function(const struct libc_function *function)
{
  char row[80], name[60];
  uintptr_t address;
  bool right = true;

  for (unsigned i = 0; i < ENTRIES; i++)
    right = right && hooked_and_right(function, function->address(), entries[i], true);
  snprintf(row, sizeof row, "%s is hooked where the program calls it", function->name);
  check(row, right);
  snprintf(name, sizeof name, "libc.so.6!%s", function->name);
  if (sighook_resolve(name, &address) != SIGHOOK_OK)
    return;
  for (unsigned i = 0; i < ENTRIES; i++)
    right = right && hooked_and_right(function, address, entries[i], false);
  snprintf(row, sizeof row, "%s is hooked in libc", function->name);
  check(row, right);
}

static bool all_at_once(void)
{
  sighook_hook hooks[LIBC_FUNCTIONS_MAX];
  long expected[LIBC_FUNCTIONS_MAX];
  sighook_batch *batch;
  bool right = true, installed;

  if (sighook_batch_create(&batch) != SIGHOOK_OK)
    return false;
  for (unsigned i = 0; i < libc_function_count; i++) {
    sighook_spec spec = libc_probe_of(libc_functions[i].address(), SIGHOOK_COUNT);

    expected[i] = libc_functions[i].call();
    right = right && sighook_batch_install(batch, &spec, &hooks[i]) == SIGHOOK_OK;
  }
  installed = right && sighook_batch_commit(batch, NULL) == SIGHOOK_OK;
  right = installed || host_refused();
  sighook_batch_destroy(batch);
  for (unsigned i = 0; i < libc_function_count; i++)
    right = right && libc_functions[i].call() == expected[i];
  for (unsigned i = 0; i < libc_function_count && installed; i++)
    right = right && host_removed(hooks[i]);
  return right;
}

/* ---- threads ---- */

static void *call_often(void *argument)
{
  long wrong = 0;

  (void)argument;
  for (long i = 0; i < CALLS; i++)
    wrong += call_own(i) != i * 3 + 1;
  return (void *)wrong;
}

static bool threads_run_beside_changes(uint32_t flags)
{
  sighook_spec spec = probe_of((uintptr_t)own, flags);
  pthread_t threads[THREADS];
  sighook_hook hook;
  bool right = true;
  void *wrong;

  for (unsigned i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, call_often, NULL) != 0)
      return false;
  for (unsigned i = 0; i < TOGGLES; i++)
    right = right && (sighook_install(&spec, &hook) == SIGHOOK_OK ? host_removed(hook) : host_refused());
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(threads[i], &wrong);
    right = right && !wrong;
  }
  return right;
}

static void check_libc(void)
{
  for (unsigned i = 0; i < libc_function_count; i++)
    check_function(&libc_functions[i]);
  check("functions of libc are hooked all at once", all_at_once());
}

static void check_rest(void)
{
  check_own();
  check("threads run beside branches that come and go", threads_run_beside_changes(0));
  check("threads run beside traps that come and go", threads_run_beside_changes(SIGHOOK_FORCE_TRAP));
  host_check_more();
}

static void check_refusal(void)
{
  sighook_spec spec = probe_of((uintptr_t)own, 0);
  sighook_hook hook;

  check("a hook is refused by name", sighook_install(&spec, &hook) != SIGHOOK_OK && host_refused());
  check("what was to be hooked runs", call_own(2) == 7 && hits == 0);
}

/* ThreadSanitizer's runtime has one, with a thread that blocks every signal. */
extern void __tsan_init(void) __attribute__((weak));

/* The argument: what is forbidden, or `own` where libc is left alone. */
int main(int count_of, char **arguments)
{
  bool nothing_works = false, own_only = count_of > 1 && strcmp(arguments[1], "own") == 0;

  setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
  alarm(100);
  if (__tsan_init)
    refusal = "which blocks SIGTRAP";
  if (count_of > 1 && !own_only && !(refusal = host_enter_sandbox(arguments[1], &nothing_works)))
    return 1;
  if (nothing_works) {
    check_refusal();
    return failed;
  }
  if (!own_only)
    check_libc();
  check_rest();
  return failed;
}
