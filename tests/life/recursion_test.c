/* Callbacks that hit sites themselves, their own included: on functions that callbacks cannot do without, from several threads at
 * once. They are skipped or delivered as the flags say, counted, and nothing locks up. */
#define _GNU_SOURCE
#include "life.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include "stacks.h"

enum { THREADS = 4, ROUNDS = 2000 / CYCLES_PART, OF_EVERYTHING = CYCLES_PART > 1 ? 2 : 8, STUCK_S = 100 };

/* ---- the callback's own site, and another ---- */

static __attribute__((noinline)) long another(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

static long (*volatile call_another)(long) = another;
static uint32_t inner_flags, inner_entry, outer_entry;
static __thread unsigned depth, deepest, calls;

static void hit_both(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  calls++;
  if (++depth > deepest)
    deepest = depth;
  if (depth < 4)
    REQUIRE(touches_nothing(1) == 2 && call_another(1) == 2);
  depth--;
}

enum {
  /* with recursion to a depth of four, two hits in each but the innermost: 1 + 2 + 4 + 8 */
  CALLS_WITHIN = 15
};

static void *hit_outer(void *delivered)
{
  deepest = calls = 0;
  for (unsigned i = 0; i < ROUNDS; i++)
    REQUIRE(touches_nothing(1) == 2);
  REQUIRE(deepest == (delivered ? 4 : 1) && calls == (delivered ? CALLS_WITHIN : 1) * ROUNDS);
  return NULL;
}

static void run_in_threads(void *(*work)(void *), void *data)
{
  pthread_t threads[THREADS];

  for (unsigned i = 0; i < THREADS; i++)
    REQUIRE(pthread_create(&threads[i], NULL, work, data) == 0);
  for (unsigned i = 0; i < THREADS; i++)
    REQUIRE(pthread_join(threads[i], NULL) == 0);
}

static void hit_inside(void)
{
  uint32_t counting = SIGHOOK_COUNT | inner_flags;
  sighook_hook outer = must_install(spec_for(touches_nothing, hit_both, counting | outer_entry));
  sighook_hook inner = must_install(spec_for(another, hit_both, counting | inner_entry));
  bool delivered = inner_flags & SIGHOOK_ALLOW_RECURSION;
  uint64_t outermost = (uint64_t)THREADS * ROUNDS;
  sighook_info outer_info, inner_info;

  run_in_threads(hit_outer, delivered ? &delivered : NULL);
  outer_info = must_query(outer);
  inner_info = must_query(inner);
  REQUIRE(outer_info.hits == outermost * (delivered ? 8 : 2) && outer_info.missed == (delivered ? 0 : outermost));
  REQUIRE(inner_info.hits == outermost * (delivered ? 7 : 1) && inner_info.missed == (delivered ? 0 : outermost));
  REQUIRE(sighook_remove_wait(outer, 10000) == SIGHOOK_OK && sighook_remove_wait(inner, 10000) == SIGHOOK_OK);
}

static void hits_inside_are_skipped_or_delivered_and_counted(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 8; i++) {
    inner_flags = i & 1 ? SIGHOOK_ALLOW_RECURSION : 0;
    outer_entry = i & 2 ? SIGHOOK_FORCE_TRAP : 0;
    inner_entry = i & 4 ? SIGHOOK_FORCE_TRAP : 0;
    assert_true(in_child(hit_inside));
  }
}

/* ---- what callbacks cannot do without ---- */

/* One function that is hooked. */
struct used {
  const char *name;
  bool internal;                      /* of one C library: others do not have it */
  sighook_hook hook;
  _Atomic unsigned long handled;
};

static struct used functions[] = {
    {.name = "malloc"}, {.name = "free"}, {.name = "calloc"}, {.name = "realloc"}, {.name = "pthread_mutex_lock"},
    {.name = "pthread_mutex_unlock"}, {.name = "dlopen"}, {.name = "dlsym"}, {.name = "dlclose"}, {.name = "write"},
    {.name = "read"}, {.name = "snprintf"}, {.name = "vsnprintf"}, {.name = "printf"}, {.name = "vprintf"}, {.name = "fwrite"},
    {.name = "_IO_file_xsputn", .internal = true}, {.name = "_IO_file_overflow", .internal = true},
    {.name = "_IO_default_xsputn", .internal = true},
};
/* malloc runs them under its lock: their callbacks must not allocate. */
static struct used leaves[] = {{.name = "memcpy"}, {.name = "memmove"}, {.name = "memset"}, {.name = "strlen"},
                               {.name = "memchr"}, {.name = "strchr"}, {.name = "strcmp"}};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Each thread's own, since callbacks come while others of libc's locks are held, in no order. */
static __thread pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static __thread FILE *null_file;
static int null_device;
static uint32_t recursion, entry_flags;
static _Atomic unsigned long handled, uses;
static __thread unsigned nesting;

enum { CALLS_OF_ITS_OWN = 16 };       /* of `functions`; what those call themselves is for each libc to choose */

static void use_everything(void)
{
  pthread_mutex_t unshared = PTHREAD_MUTEX_INITIALIZER;
  char text[64], copy[64], *volatile memory = malloc(100);
  void *library = dlopen(NULL, RTLD_NOW);

  atomic_fetch_add(&uses, 1);
  memory = realloc(memory, 1000);
  memory = realloc(memory, 10);
  free(memory);
  memory = calloc(10, 10);
  free(memory);
  snprintf(text, sizeof text, "%d %s %.3f", 17, "seventeen", 1.5);
  memcpy(copy, text, strlen(text) + 1);
  REQUIRE(strcmp(copy, "17 seventeen 1.500") == 0);
  fprintf(null_file, "%s\n", copy);
  REQUIRE(fwrite(copy, 1, strlen(copy), null_file) == strlen(copy));
  REQUIRE(pthread_mutex_lock(&unshared) == 0 && pthread_mutex_unlock(&unshared) == 0);
  REQUIRE(write(null_device, text, 1) == 1 && read(null_device, text, 1) == 0);
  REQUIRE(library && dlsym(library, "malloc") && dlsym(library, "free") && dlclose(library) == 0);
}

static void use_everything_inside(sighook_context *context, void *user)
{
  struct used *used = user;

  (void)context;
  atomic_fetch_add(&handled, 1);
  atomic_fetch_add(&used->handled, 1);
  if (nesting >= (recursion ? 2 : 1))   /* recursion is for the callback to end */
    return;
  nesting++;
  use_everything();
  nesting--;
}

static void lock_inside(sighook_context *context, void *user)
{
  use_everything_inside(context, user);
  if (nesting == 0) {
    nesting++;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    nesting--;
  }
}

static void use_leaves_inside(sighook_context *context, void *user)
{
  char text[64], copy[64];
  struct used *used = user;

  atomic_fetch_add(&used->handled, 1);
  if (nesting >= (recursion ? 2 : 1))
    return;
  nesting++;
  memset(text, 'x', sizeof text);
  text[*(volatile uint8_t *)context % sizeof text] = 0;
  memcpy(copy, text, strlen(text) + 1);
  REQUIRE(strcmp(copy, text) == 0 && memchr(copy, 0, sizeof copy) && strchr(text, 0));
  nesting--;
}

static atomic_bool go;
static atomic_uint ready;

static void *use_everything_often(void *data)
{
  null_file = fopen("/dev/null", "we");
  atomic_fetch_add(&ready, 1);
  while (!atomic_load(&go))
    ;
  for (unsigned i = 0; i < OF_EVERYTHING; i++)
    use_everything();
  return data;
}

static void install_on(struct used *used, unsigned count, sighook_handler handler, uint32_t flags)
{
  for (unsigned i = 0; i < count; i++) {
    sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags | recursion | SIGHOOK_COUNT,
                         .handler = handler, .user = &used[i]};

    if (sighook_resolve(used[i].name, &spec.address) == SIGHOOK_OK)
      used[i].hook = must_install(spec);
    else
      REQUIRE(used[i].internal);
  }
}

/* Each hit was delivered, or was one inside a callback that was not. */
static void require_counted(const struct used *used, unsigned count)
{
  for (unsigned i = 0; i < count; i++) {
    sighook_info info;

    if (used[i].hook.id == 0)
      continue;
    info = must_query(used[i].hook);
    if (info.hits != atomic_load(&used[i].handled) + info.missed)
      fprintf(stderr, "%s: %lu hits, %lu handled, %lu missed\n", used[i].name, (unsigned long)info.hits,
              atomic_load(&used[i].handled), (unsigned long)info.missed);
    REQUIRE(info.hits == atomic_load(&used[i].handled) + info.missed);
  }
}

static const char *const inner[] = {"dlopen", "write", "memcpy"};

static sighook_info query_inner(unsigned which)
{
  struct used *used = which == 2 ? leaves : functions;

  while (strcmp(used->name, inner[which]) != 0)
    used++;
  return must_query(used->hook);
}

/* Nothing else calls dlopen than what uses everything, once each time; write and memcpy are called by others too. `before`: when
 * the hooks stood; the library, too, had called dlopen by then. */
static void require_inner_hits_counted(const sighook_info *before, unsigned long outermost)
{
  for (unsigned i = 0; i < COUNT(inner); i++) {
    sighook_info info = query_inner(i);
    uint64_t hits = info.hits - before[i].hits, missed = info.missed - before[i].missed, all = atomic_load(&uses);

    REQUIRE(i == 0 ? hits == all : hits >= all);
    if (recursion)
      REQUIRE(missed == 0);
    else
      REQUIRE(i == 0 ? missed == all - outermost : missed >= all - outermost);
  }
}

/* The threads are there before: libc blocks signals where it makes them, which trap entries do not outlive. */
static void hook_everything(void)
{
  sighook_info before[COUNT(inner)];
  pthread_t threads[THREADS];

  alarm(STUCK_S);
  null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
  null_file = fopen("/dev/null", "we");
  for (unsigned i = 0; i < THREADS; i++)
    REQUIRE(pthread_create(&threads[i], NULL, use_everything_often, NULL) == 0);
  while (atomic_load(&ready) < THREADS)
    ;
  install_on(functions, COUNT(functions), lock_inside, entry_flags);
  install_on(leaves, COUNT(leaves), use_leaves_inside, entry_flags);
  for (unsigned i = 0; i < COUNT(inner); i++)
    before[i] = query_inner(i);
  atomic_store(&go, true);
  use_everything();
  for (unsigned i = 0; i < THREADS; i++)
    REQUIRE(pthread_join(threads[i], NULL) == 0);
  REQUIRE(atomic_load(&handled) >= (unsigned long)CALLS_OF_ITS_OWN * THREADS * OF_EVERYTHING);
  require_counted(functions, COUNT(functions));
  require_counted(leaves, COUNT(leaves));
  require_inner_hits_counted(before, 1 + (unsigned long)THREADS * OF_EVERYTHING);
}

static void callbacks_use_what_they_are_on(void **state)
{
  uintptr_t address;

  (void)state;
  if (sighook_resolve("malloc", &address) != SIGHOOK_OK)
    skip();                           /* a static program exports no names */
  for (unsigned i = 0; i < 4; i++) {
    recursion = i & 1 ? SIGHOOK_ALLOW_RECURSION : 0;
    entry_flags = i & 2 ? SIGHOOK_FORCE_TRAP : 0;
    assert_true(in_child(hook_everything));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hits_inside_are_skipped_or_delivered_and_counted),
      cmocka_unit_test(callbacks_use_what_they_are_on),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
