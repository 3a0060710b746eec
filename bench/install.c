/* What installing and removing costs, and memory. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench.h"

enum { SITES = 100000, SITE_SIZE = 16, SAMPLES = 200, THREADS_MAX = 64, SYNC_CORE = 1 << 5 };

static uint8_t *code;
static unsigned next_site;
static atomic_bool stop;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void make_code(void)
{
  static const uint8_t function[SITE_SIZE] = {0x48, 0x8D, 0x87, 0x44, 0x33, 0x22, 0x11, 0xC3,   /* lea 0x11223344(%rdi),%rax; ret */
                                              0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC};
  size_t size = (size_t)(SITES + 4096) * SITE_SIZE;

  code = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < size; i += SITE_SIZE)
    memcpy(code + i, function, sizeof function);
  mprotect(code, size, PROT_READ | PROT_EXEC);
}

static target_function *fresh_site(void)
{
  return (target_function *)(uintptr_t)(code + (size_t)SITE_SIZE * (SITES + next_site++));
}

static void *sleep_on_gate(void *data)
{
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return data;
}

static void *spin(void *data)
{
  while (!atomic_load_explicit(&stop, memory_order_relaxed))
    ;
  return data;
}

/* Medians in microseconds. */
struct install_times {
  double install, remove, sync;
  double floor;                        /* what cannot be saved: a moment of rwx around one store, and one synchronisation */
};

static double time_floor(void)
{
  uint8_t *page = code;
  double start = now_ns();

  mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
  *(volatile uint8_t *)page = *page;
  mprotect(page, 4096, PROT_READ | PROT_EXEC);
  syscall(SYS_membarrier, SYNC_CORE, 0, 0);
  return now_ns() - start;
}

static struct install_times time_installs(void)
{
  double install[SAMPLES], removal[SAMPLES], sync[SAMPLES], floor[SAMPLES];

  for (unsigned i = 0; i < SAMPLES; i++) {
    double start = now_ns(), installed;
    sighook_hook made = hook(fresh_site(), SIGHOOK_PROBE, 0, empty_handler);

    installed = now_ns();
    must(sighook_remove(made), "remove");
    removal[i] = now_ns() - installed;
    install[i] = installed - start;
    start = now_ns();
    syscall(SYS_membarrier, SYNC_CORE, 0, 0);
    sync[i] = now_ns() - start;
    floor[i] = time_floor();
  }
  return (struct install_times){.install = median(install, SAMPLES) / 1000,
                                .remove = median(removal, SAMPLES) / 1000,
                                .sync = median(sync, SAMPLES) / 1000,
                                .floor = median(floor, SAMPLES) / 1000};
}

static pthread_t threads[THREADS_MAX];
static unsigned thread_count;

static void start(void *(*body)(void *), unsigned count)
{
  thread_count = count;
  for (unsigned i = 0; i < count; i++)
    pthread_create(&threads[i], NULL, body, NULL);
  usleep(100000);
}

static void join(void)
{
  for (unsigned i = 0; i < thread_count; i++)
    pthread_join(threads[i], NULL);
}

void put_to_sleep(unsigned count)
{
  pthread_mutex_lock(&gate);
  start(sleep_on_gate, count);
}

void wake(void)
{
  pthread_mutex_unlock(&gate);
  join();
}

void bench_install(void)
{
  struct install_times times;

  make_code();
  hook(fresh_site(), SIGHOOK_PROBE, 0, empty_handler);
  put_to_sleep(THREADS_MAX);
  times = time_installs();
  wake();
  row("install one site, 64 threads asleep", times.install, "us", 25, "remove %.1f us, membarrier %.1f us", times.remove, times.sync);
  start(spin, 8);
  times = time_installs();
  atomic_store(&stop, true);
  join();
  row("the same, 8 threads running, to one membarrier", times.install / times.sync, "x", 3.5,
      "%.1f us, remove %.1f us, membarrier %.1f us; two mprotect, a store and it alone: %.2f x", times.install, times.remove,
      times.sync, times.floor / times.sync);
}

double private_kilobytes(void)
{
  FILE *rollup = fopen("/proc/self/smaps_rollup", "re");
  double sum = 0;
  char line[256];
  long value;

  while (rollup && fgets(line, sizeof line, rollup))
    if (sscanf(line, "Private_Dirty: %ld", &value) == 1 || sscanf(line, "Private_Clean: %ld", &value) == 1)
      sum += (double)value;
  if (rollup)
    fclose(rollup);
  return sum;
}

unsigned mappings(void)
{
  FILE *maps = fopen("/proc/self/maps", "re");
  unsigned count = 0;
  int c;

  while (maps && (c = fgetc(maps)) != EOF)
    count += c == '\n';
  if (maps)
    fclose(maps);
  return count;
}

void bench_batch(void)
{
  sighook_hook *hooks = malloc(SITES * sizeof *hooks);
  sighook_batch *batch;
  double before, start, install_ms, remove_ms, bytes;
  unsigned maps_before = mappings();

  memset(hooks, 1, SITES * sizeof *hooks);
  before = private_kilobytes();
  must(sighook_batch_create(&batch), "batch");
  start = now_ns();
  for (unsigned i = 0; i < SITES; i++) {
    sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = empty_handler,
                         .address = (uintptr_t)(code + (size_t)SITE_SIZE * i)};

    must(sighook_batch_install(batch, &spec, &hooks[i]), "batch");
  }
  must(sighook_batch_commit(batch, NULL), "commit");
  install_ms = (now_ns() - start) / 1e6;
  sighook_batch_destroy(batch);
  bytes = (private_kilobytes() - before) * 1024 / SITES;
  row("install 100,000 plain sites in a batch", install_ms, "ms", 300, "%u new mappings", mappings() - maps_before);
  must(sighook_batch_create(&batch), "batch");
  start = now_ns();
  for (unsigned i = 0; i < SITES; i++)
    must(sighook_batch_remove(batch, hooks[i]), "batch");
  must(sighook_batch_commit(batch, NULL), "commit");
  remove_ms = (now_ns() - start) / 1e6;
  sighook_batch_destroy(batch);
  row("remove them", remove_ms, "ms", 100, "%s", "");
  row("user memory a site, everything counted", bytes, "bytes", 256, "%s", "private pages, by smaps_rollup");
  free(hooks);
}
