/* Libraries that come late. One whose thread-local storage is touched first inside a callback; one that is unloaded and comes back a page
 * further up: what was known of it is known no more, and nothing is read where it was. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sighook/sighook.h>

enum { MORE = 1 };

static unsigned hits;

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

struct extent {
  uintptr_t base, low, high;
};

static int find_extent(struct dl_phdr_info *info, size_t size, void *data)
{
  struct extent *extent = data;

  (void)size;
  if (info->dlpi_addr != extent->base)
    return 0;
  for (unsigned i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD)
      extent->high = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
  return 1;
}

/* Loads it, hooks it, calls it, unloads it; tells where it was. */
static struct extent use_once(void)
{
  void *library = dlopen(LATE_LIBRARY, RTLD_NOW);
  long (*sum)(long) = (long (*)(long))(library ? dlsym(library, "late_sum") : NULL);
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)sum, .handler = count};
  struct extent extent = {0};
  sighook_hook hook;
  Dl_info info;

  assert_non_null(sum);
  assert_int_not_equal(dladdr((void *)(uintptr_t)sum, &info), 0);
  extent.base = extent.low = (uintptr_t)info.dli_fbase;
  dl_iterate_phdr(find_extent, &extent);
  hits = 0;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  assert_int_equal(sum(1), 19);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_int_equal(dlclose(library), 0);
  return extent;
}

static char *fill(size_t size)
{
  char *filled = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  assert_ptr_not_equal(filled, MAP_FAILED);
  return filled;
}

static void a_library_that_comes_back_a_page_further_up_is_hooked(void **state)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE), size;
  struct extent extent = use_once(), before, after;
  char *room;

  (void)state;
  size = (extent.high - extent.low + page - 1) / page * page;
  fill(size);                         /* where it was */
  room = fill(size + MORE * page);
  munmap(room, size);                 /* where it will be, below the last page */
  before = use_once();
  munmap(room + size, MORE * page);
  after = use_once();
  assert_int_equal(after.low, before.low + MORE * page);
}

static __attribute__((noinline)) long plus_one(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

/* What it calls takes memory for the thread's storage, by the loader. */
static void call_late(sighook_context *context, void *user)
{
  (void)context;
  hits += ((long (*)(long))user)(1) == 19;
}

static void *call_hooked(void *unused)
{
  (void)unused;
  return (void *)plus_one(1);
}

static void in_a_new_thread(long (*sum)(long), uint32_t flags)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags, .address = (uintptr_t)plus_one};
  sighook_hook hook;
  pthread_t thread;
  void *result;

  spec.handler = call_late;
  spec.user = (void *)(uintptr_t)sum;
  hits = 0;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  assert_int_equal(pthread_create(&thread, NULL, call_hooked, NULL), 0);
  assert_int_equal(pthread_join(thread, &result), 0);
  assert_int_equal((long)result, 2);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove_wait(hook, 5000), SIGHOOK_OK);
}

static void a_callback_is_the_first_to_touch_a_threads_storage(void **state)
{
  void *library = dlopen(LATE_LIBRARY, RTLD_NOW);
  long (*sum)(long) = (long (*)(long))(library ? dlsym(library, "late_sum") : NULL);

  (void)state;
  assert_non_null(sum);
  in_a_new_thread(sum, 0);
  in_a_new_thread(sum, SIGHOOK_FORCE_TRAP);
  assert_int_equal(dlclose(library), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_callback_is_the_first_to_touch_a_threads_storage),
                                     cmocka_unit_test(a_library_that_comes_back_a_page_further_up_is_hooked)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
