/* The agent: loaded into the target before its libraries start, it asks the command what to do. To count, it hooks functions and
 * lets the program run; counters lie in the channel, so they outlive every way a process can end. To list, it asks the library
 * about sites, and ends the process before anything of the program ran. */
#include "agent.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "core/thread.h"
#include "environment.h"
#include "lister.h"
#include "raw_syscall.h"
#include "signals.h"

enum { REFUSED_STATUS = 125 };

struct channel *channel;
uint64_t channel_mapped;
struct channel_process *self;

/* All of it, or as much as limits on address space allow. */
static bool map_channel(const char *path)
{
  int descriptor = open(path, O_RDWR | O_CLOEXEC);
  void *memory = MAP_FAILED;

  if (descriptor < 0)
    return false;
  for (channel_mapped = CHANNEL_SIZE; memory == MAP_FAILED && channel_mapped > sizeof *channel; channel_mapped /= 2)
    memory = mmap(CHANNEL_PLACE, channel_mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0);
  close(descriptor);
  if (memory == MAP_FAILED)
    return false;
  channel_mapped *= 2;                 /* the loop halved it once more */
  madvise(memory, channel_mapped, MADV_DONTDUMP);
  channel = memory;
  return channel->magic == CHANNEL_MAGIC;
}

/* Appends a module to what the command will read; false where there is no room. */
static bool append_module(size_t *at, uint64_t bias, const char *path)
{
  size_t length = strlen(path) + 1;

  if (*at + sizeof bias + length + 8 > sizeof self->modules)
    return false;
  memcpy(self->modules + *at, &bias, sizeof bias);
  memcpy(self->modules + *at + sizeof bias, path, length);
  *at += sizeof bias + ((length + 7) & ~(size_t)7);
  self->module_count++;
  return true;
}

static bool is_subject(const struct dl_phdr_info *info)
{
  struct stat status;

  return channel->subject_inode && stat(info->dlpi_name, &status) == 0 && status.st_ino == channel->subject_inode &&
         status.st_dev == channel->subject_device;
}

/* The library that the command is about stands first, in the program's place. */
static int tell_subject(struct dl_phdr_info *info, size_t size, void *data)
{
  (void)size;
  return is_subject(info) && append_module(data, info->dlpi_addr, info->dlpi_name);
}

static int tell_module(struct dl_phdr_info *info, size_t size, void *data)
{
  char program[PATH_MAX];
  ssize_t length;

  (void)size;
  if (!self->module_count) {
    length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = 0;
    return !append_module(data, info->dlpi_addr, program);
  }
  if (!strchr(info->dlpi_name, '/') || is_subject(info))
    return 0;                          /* the kernel's own, or the host of the subject */
  return !append_module(data, info->dlpi_addr, info->dlpi_name);
}

static void tell_modules(void)
{
  size_t at = 0;

  if (!channel->subject_inode || dl_iterate_phdr(tell_subject, &at))
    dl_iterate_phdr(tell_module, &at);
}

/* False where nobody would read what is counted. */
static bool command_is_there(void)
{
  return host_syscall4(SYS_faccessat, AT_FDCWD, channel->path, R_OK, 0) == 0;
}

/* Asks, and waits for the answer. */
static bool ask(void)
{
  const struct timespec patience = {0, 200000000};
  struct stat space;

  self->id_space = stat("/proc/self/ns/pid", &space) == 0 ? space.st_ino : 0;
  tell_modules();
  atomic_store_explicit(&self->state, PROCESS_ASKS, memory_order_release);
  atomic_fetch_add_explicit(&channel->bell, 1, memory_order_release);
  host_syscall3(SYS_futex, &channel->bell, FUTEX_WAKE, 1);
  while (atomic_load_explicit(&self->state, memory_order_acquire) == PROCESS_ASKS) {
    host_syscall4(SYS_futex, &self->state, FUTEX_WAIT, PROCESS_ASKS, &patience);
    if (!command_is_there())
      return false;
  }
  return true;
}

/* The command must not take back what a child is about to share. */
static void before_fork(void)
{
  if (self && self->image && channel->follow)
    atomic_fetch_add_explicit(&((struct channel_image *)channel_at(channel, self->image))->references, 1,
                              memory_order_relaxed);
}

/* Of all threads: new ones will take over the records of those that the child does not have. */
static void forget_chunks(void)
{
  counters_restart();
  for (struct thread *thread = thread_first(); thread; thread = thread->next)
    for (uint32_t i = 0; thread->chunks && i < COUNTER_CHUNKS_MAX; i++)
      atomic_store_explicit(&thread->chunks[i], NULL, memory_order_relaxed);
}

static void after_fork_in_child(void)
{
  struct channel_process *parent = self;

  if (!parent)
    return;
  self = NULL;
  forget_chunks();
  if (channel->follow)
    self = take_process();
  if (!self)
    return;
  self->id_space = parent->id_space;
  self->image = parent->image;
  atomic_store_explicit(&self->state, PROCESS_RUNS, memory_order_release);
}

/* What the agent itself called while it hooked is not the program's. */
static void forget_own_calls(void)
{
  for (uint64_t at = atomic_load_explicit(&self->chunks, memory_order_acquire); at;) {
    struct channel_chunk *chunk = channel_at(channel, at);

    for (unsigned i = 0; i < COUNTER_CHUNK; i++)
      if (chunk->counters[i].hits)     /* others are not written: they would take memory */
        chunk->counters[i] = (struct counter){0};
    at = chunk->next;
  }
}

static bool can_reach(uint64_t image)
{
  return image + sizeof(struct channel_image) <= channel_mapped &&
         image + ((struct channel_image *)channel_at(channel, image))->size <= channel_mapped;
}

/* Hooks may stand anywhere in libc then. */
_Noreturn static void list(void)
{
  struct listing *listing = channel_at(channel, channel->listing);

  if (channel->listing + sizeof *listing <= channel_mapped && channel->listing + listing->size <= channel_mapped)
    list_entries(listing, listing->together ? list_together : list_each);
  for (;;)
    host_syscall1(SYS_exit_group, 0);
}

static void count(void)
{
  bool traps;

  counters_set_source(take_chunk);
  /* Before the library's own, so that the child's first hits are its own. */
  pthread_atfork(before_fork, NULL, after_fork_in_child);
  if (self->image && can_reach(self->image)) {
    struct channel_image *image = channel_at(channel, self->image);

    guard_start(image);
    traps = install_sites(image);
    execute_follow(traps);
    guard_ready();
  } else if (channel->follow) {
    execute_follow(false);
  }
  forget_own_calls();
}

/* libc may not have started yet: the environment comes from the loader, as constructors' third argument. */
__attribute__((constructor)) static void start(int argc, char **argv, char **environment)
{
  const char *path = environment_clean(environment);

  (void)argc;
  (void)argv;
  if (!path || !map_channel(path) || !(self = take_process()))
    return;
  if (!ask()) {
    self = NULL;
    return;
  }
  if (atomic_load_explicit(&self->state, memory_order_acquire) == PROCESS_REFUSED)
    _exit(REFUSED_STATUS);
  if (atomic_load_explicit(&self->state, memory_order_acquire) == PROCESS_LISTS)
    list();
  count();
  atomic_store_explicit(&self->state, PROCESS_RUNS, memory_order_release);
}
