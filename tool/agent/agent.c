/* The agent: loaded into the target before its libraries start, it asks the command which functions to count, hooks them, and
 * lets the program run. Counters lie in the channel, so they outlive every way a process can end. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <sighook/sighook.h>
#include "channel.h"
#include "environment.h"
#include "execute.h"
#include "raw_syscall.h"

static struct channel *channel;
static struct channel_process *self;

enum { REFUSED_STATUS = 125 };

static struct channel *map_channel(const char *path)
{
  int descriptor = open(path, O_RDWR | O_CLOEXEC);
  void *memory;

  if (descriptor < 0)
    return NULL;
  memory = mmap(NULL, CHANNEL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0);
  close(descriptor);
  if (memory == MAP_FAILED)
    return NULL;
  return ((struct channel *)memory)->magic == CHANNEL_MAGIC ? memory : NULL;
}

static struct channel_process *take_process(void)
{
  uint32_t index = atomic_fetch_add_explicit(&channel->process_count, 1, memory_order_relaxed);
  struct channel_process *process;

  if (index >= CHANNEL_PROCESSES)
    return NULL;
  process = &channel->processes[index];
  process->id = getpid();
  return process;
}

/* On a hit: no lock, no libc. */
static struct counter *take_chunk(uint32_t number)
{
  uint64_t offset = self ? channel_take(channel, sizeof(struct channel_chunk)) : 0;
  struct channel_chunk *chunk = channel_at(channel, offset);

  if (!offset) {
    if (self)
      atomic_fetch_add_explicit(&self->lost, 1, memory_order_relaxed);
    return NULL;
  }
  chunk->number = number;
  chunk->thread = (uint32_t)host_syscall0(SYS_gettid);
  chunk->next = atomic_load_explicit(&self->chunks, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&self->chunks, &chunk->next, offset, memory_order_release,
                                                memory_order_relaxed))
    ;
  return chunk->counters;
}

static void after_fork(void)
{
  struct channel_process *parent = self;

  if (!parent)
    return;
  self = take_process();
  counters_restart();
  if (!self)
    return;
  self->sites = parent->sites;
  self->site_count = parent->site_count;
  self->forked = 1;
  for (unsigned i = 0; i < CHANNEL_PATH; i++)     /* memcpy may be counted */
    self->program[i] = parent->program[i];
  atomic_store_explicit(&self->state, PROCESS_RUNS, memory_order_release);
}

/* Asks, and waits for the answer; false where the command is gone. */
static bool ask(void)
{
  const struct timespec patience = {1, 0};
  ssize_t length = readlink("/proc/self/exe", self->program, sizeof self->program - 1);

  self->program[length > 0 ? length : 0] = 0;
  atomic_store_explicit(&self->state, PROCESS_ASKS, memory_order_release);
  atomic_fetch_add_explicit(&channel->bell, 1, memory_order_release);
  host_syscall3(SYS_futex, &channel->bell, FUTEX_WAKE, 1);
  while (atomic_load_explicit(&self->state, memory_order_acquire) == PROCESS_ASKS) {
    host_syscall4(SYS_futex, &self->state, FUTEX_WAIT, PROCESS_ASKS, &patience);
    if (kill(channel->command_id, 0) != 0 && errno == ESRCH)
      return false;
  }
  return true;
}

/* The target of an IFUNC: its resolver is asked as the dynamic loader asks it (System V psABI x86-64, 4.4.1). dlsym needs a
 * handle, and dlopen would start libraries, libc among them, before their time. */
static uint64_t chosen_target(const struct channel_site *site)
{
  uint64_t (*resolver)(void) = (uint64_t(*)(void))(uintptr_t)site->address;

  return resolver();
}

static void refuse(struct channel_site *site, const char *reason)
{
  site->answer = ANSWER_REFUSED;
  snprintf(site->reason, sizeof site->reason, "%s", reason);
}

static bool is_repeated(const struct channel_site *sites, uint32_t index)
{
  for (uint32_t i = 0; i < index; i++)
    if (sites[i].address == sites[index].address && sites[i].answer != ANSWER_REFUSED)
      return true;
  return false;
}

/* A trap would kill a thread that blocks SIGTRAP, as C libraries do in places: better not counted, and said so. */
static void add_site(sighook_batch *batch, struct channel_site *sites, uint32_t index, sighook_hook *hook)
{
  struct channel_site *site = &sites[index];
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = SIGHOOK_COUNT | SIGHOOK_REQUIRE_BRANCH};
  sighook_info info = {.size = sizeof info};

  if (site->is_ifunc) {
    site->address = chosen_target(site);
    if (site->address && is_repeated(sites, index)) {
      site->answer = ANSWER_SAME;
      return;
    }
  }
  if (!site->address) {
    refuse(site, "its target is not known to the dynamic loader");
    return;
  }
  spec.address = site->address;
  if (sighook_check(&spec, &info) != SIGHOOK_OK || sighook_batch_install(batch, &spec, hook) != SIGHOOK_OK) {
    sighook_error error = {.size = sizeof error};

    sighook_last_error(&error);
    refuse(site, error.message);
    return;
  }
  site->answer = ANSWER_HOOKED;
}

static void settle(struct channel_site *site, sighook_hook hook)
{
  sighook_info info = {.size = sizeof info};

  if (site->answer != ANSWER_HOOKED)
    return;
  if (!counters_number(hook, &site->counter) || sighook_query(hook, &info) != SIGHOOK_OK)
    refuse(site, "its counter is gone");
  site->entry = info.entry;
}

/* One site at a time, where they cannot all be had together. */
static void install_singly(struct channel_site *sites, uint32_t count, sighook_hook *hooks)
{
  for (uint32_t i = 0; i < count; i++) {
    sighook_spec spec = {.size = sizeof spec,
                         .kind = SIGHOOK_PROBE,
                         .flags = SIGHOOK_COUNT | SIGHOOK_REQUIRE_BRANCH,
                         .address = sites[i].address};
    sighook_error error = {.size = sizeof error};

    if (sites[i].answer != ANSWER_HOOKED || sighook_install(&spec, &hooks[i]) == SIGHOOK_OK)
      continue;
    sighook_last_error(&error);
    refuse(&sites[i], error.message);
  }
}

static void hook_sites(void)
{
  struct channel_site *sites = channel_at(channel, self->sites);
  size_t size = (self->site_count + 1) * sizeof(sighook_hook);
  sighook_hook *hooks = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  sighook_batch *batch;

  if (hooks == MAP_FAILED || sighook_batch_create(&batch) != SIGHOOK_OK)
    return;
  for (uint32_t i = 0; i < self->site_count; i++)
    add_site(batch, sites, i, &hooks[i]);
  if (sighook_batch_commit(batch, NULL) != SIGHOOK_OK)
    install_singly(sites, self->site_count, hooks);
  for (uint32_t i = 0; i < self->site_count; i++)
    settle(&sites[i], hooks[i]);
  sighook_batch_destroy(batch);
  munmap(hooks, size);
}

/* What the agent itself called while it hooked is not the program's. */
static void forget_own_calls(void)
{
  for (uint64_t at = atomic_load_explicit(&self->chunks, memory_order_acquire); at;) {
    struct channel_chunk *chunk = channel_at(channel, at);

    for (unsigned i = 0; i < COUNTER_CHUNK; i++)
      chunk->counters[i] = (struct counter){0};
    at = chunk->next;
  }
}

/* libc may not have started yet: the environment comes from the loader, as constructors' third argument. */
__attribute__((constructor)) static void start(int argc, char **argv, char **environment)
{
  const char *path = environment_clean(environment);

  (void)argc;
  (void)argv;
  if (!path || !(channel = map_channel(path)) || !(self = take_process()))
    return;
  if (!ask())
    return;
  if (atomic_load_explicit(&self->state, memory_order_acquire) == PROCESS_REFUSED)
    _exit(REFUSED_STATUS);
  counters_set_source(take_chunk);
  pthread_atfork(NULL, NULL, after_fork);
  hook_sites();
  if (channel->follow)
    execute_follow(channel);
  forget_own_calls();
  atomic_store_explicit(&self->state, PROCESS_RUNS, memory_order_release);
}
