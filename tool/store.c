/* The channel: places for processes and chunks of counters are taken by agents and given back here, images are made and given
 * back here. What is given back is punched out of the memory file, which zeroes it. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tally.h"

enum { IMAGE_SIZES = 32, IMAGE_SMALLEST = 12, REASON_BYTES = 64, SWEEP_PROCESSES = 512 };
#define SWEEP_BYTES (UINT64_C(64) << 20)
#define SWEEP_INTERVAL_NS UINT64_C(50000000)

static uint64_t free_images[IMAGE_SIZES];        /* by power of two of their size; linked by `size` */
static uint64_t swept_at_ns;
static uint64_t own_id_space;

/* ---- making it ---- */

/* The agent lies beside the command in a build, and in ../lib/sighook where installed. */
static bool find_agent(char path[PROGRAM_PATH])
{
  static const char *const places[] = {"agent/libsighook-agent.so", "../lib/sighook/libsighook-agent.so"};
  const char *given = getenv("SIGHOOK_AGENT");
  char own[PROGRAM_PATH];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);

  if (given)
    return realpath(given, path) != NULL;
  if (length <= 0)
    return false;
  own[length] = 0;
  *strrchr(own, '/') = 0;
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    char place[PROGRAM_PATH + 64];

    snprintf(place, sizeof place, "%s/%s", own, places[i]);
    if (realpath(place, path))
      return true;
  }
  return false;
}

static bool make_channel(struct count_run *run)
{
  struct stat subject;
  void *memory;

  run->descriptor = memfd_create("sighook", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (run->descriptor < 0 || ftruncate(run->descriptor, (off_t)CHANNEL_SIZE) != 0)
    return false;
  /* A target that shortened it would kill the command by SIGBUS. */
  if (fcntl(run->descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return false;
  memory = mmap(NULL, CHANNEL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, run->descriptor, 0);
  if (memory == MAP_FAILED)
    return false;
  run->channel = memory;
  run->channel->magic = CHANNEL_MAGIC;
  run->channel->follow = !run->no_follow;
  if (run->is_library && stat(run->program, &subject) == 0) {
    run->channel->subject_device = subject.st_dev;
    run->channel->subject_inode = subject.st_ino;
  }
  atomic_store(&run->channel->used, (sizeof *run->channel + 4095) & ~UINT64_C(4095));
  snprintf(run->channel->path, sizeof run->channel->path, "/proc/%d/fd/%d", getpid(), run->descriptor);
  return true;
}

bool store_open(struct count_run *run)
{
  struct stat space;

  if (!make_channel(run)) {
    fprintf(stderr, "sighook: no shared memory for the target's counters: %m; not run\n");
    return false;
  }
  if (!find_agent(run->channel->agent)) {
    fputs("sighook: the agent, libsighook-agent.so, was not found beside the command; not run\n", stderr);
    return false;
  }
  if (strpbrk(run->channel->agent, ": ")) {      /* both separate names in LD_PRELOAD */
    fprintf(stderr, "sighook: the agent's path must not have blanks or colons: %s; not run\n", run->channel->agent);
    return false;
  }
  own_id_space = stat("/proc/self/ns/pid", &space) == 0 ? space.st_ino : 0;
  return true;
}

/* ---- room ---- */

static void punch(const struct count_run *run, uint64_t offset, uint64_t size)
{
  if (fallocate(run->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) != 0)
    memset(channel_at(run->channel, offset), 0, size);
}

static unsigned image_class(uint64_t size)
{
  unsigned class = IMAGE_SMALLEST;

  while ((UINT64_C(1) << class) < size)
    class++;
  return class;
}

struct listing *store_new_listing(struct count_run *run, uint64_t function_count, uint64_t site_count)
{
  uint64_t size = sizeof(struct listing) + function_count * sizeof(struct listing_function);
  uint64_t room = (CHANNEL_SIZE - atomic_load(&run->channel->used)) / 2, offset;
  struct listing *listing;

  if (size > room)
    return NULL;
  if (site_count > (room - size) / sizeof(struct listing_site))
    site_count = (room - size) / sizeof(struct listing_site);
  size += site_count * sizeof(struct listing_site);
  offset = channel_take(run->channel, size, CHANNEL_SIZE);
  if (!offset)
    return NULL;
  listing = channel_at(run->channel, offset);
  listing->size = size;
  listing->function_count = function_count;
  listing->site_room = site_count;
  run->channel->listing = offset;
  return listing;
}

struct channel_image *store_new_image(struct count_run *run, uint32_t site_count, uint32_t call_count)
{
  uint64_t sites = sizeof(struct channel_image) + site_count * sizeof(struct channel_site);
  uint64_t calls = call_count * sizeof(struct channel_call);
  unsigned class = image_class(sites + calls + (uint64_t)site_count * REASON_BYTES + CHANNEL_PATH);
  uint64_t offset = free_images[class];
  struct channel_image *image;

  if (offset)
    free_images[class] = ((struct channel_image *)channel_at(run->channel, offset))->size;
  else
    offset = channel_take(run->channel, UINT64_C(1) << class, CHANNEL_SIZE);
  if (!offset)
    return NULL;
  image = channel_at(run->channel, offset);
  image->size = UINT64_C(1) << class;
  image->site_count = site_count;
  image->calls = (uint32_t)sites;
  image->call_count = call_count;
  image->reasons_used = (uint32_t)(sites + calls);
  atomic_store(&image->references, 1);
  return image;
}

static void drop_image(struct count_run *run, uint64_t offset)
{
  struct channel_image *image = channel_at(run->channel, offset);
  unsigned class = image_class(image->size);

  if (atomic_fetch_sub(&image->references, 1) != 1)
    return;
  punch(run, offset, UINT64_C(1) << class);
  image->size = free_images[class];
  free_images[class] = offset;
}

void store_retire(struct count_run *run, struct channel_process *process)
{
  struct channel *channel = run->channel;
  uint64_t offset = (uint64_t)((char *)process - (char *)channel), chunk = atomic_load(&process->chunks);

  tally_add(run, process);
  while (chunk) {
    uint64_t next = ((struct channel_chunk *)channel_at(channel, chunk))->next;

    punch(run, chunk, sizeof(struct channel_chunk));
    channel_push(channel, &channel->free_chunks, chunk);
    chunk = next;
  }
  if (process->image)
    drop_image(run, process->image);
  punch(run, offset, sizeof *process);
  channel_push(channel, &channel->free_processes, offset);
}

/* ---- ends ---- */

static uint32_t places(const struct count_run *run)
{
  return atomic_load(&run->channel->process_count);
}

void store_retire_predecessors(struct count_run *run, const struct channel_process *process)
{
  for (uint32_t i = 0; i < places(run); i++) {
    struct channel_process *other = &run->channel->processes[i];

    if (other != process && other->id == process->id && other->id_space == process->id_space &&
        atomic_load(&other->state) == PROCESS_RUNS)
      store_retire(run, other);
  }
}

static bool has_ended(const struct channel_process *process)
{
  return process->id_space == own_id_space && kill(process->id, 0) != 0 && errno == ESRCH;
}

void store_sweep(struct count_run *run)
{
  uint64_t now = now_ns();

  if ((places(run) < SWEEP_PROCESSES && atomic_load(&run->channel->used) < sizeof *run->channel + SWEEP_BYTES) ||
      now - swept_at_ns < SWEEP_INTERVAL_NS)
    return;
  swept_at_ns = now;
  for (uint32_t i = 0; i < places(run); i++)
    if (atomic_load(&run->channel->processes[i].state) != PROCESS_FREE && has_ended(&run->channel->processes[i]))
      store_retire(run, &run->channel->processes[i]);
}

void store_close(struct count_run *run)
{
  for (uint32_t i = 0; i < places(run); i++)
    if (atomic_load(&run->channel->processes[i].state) != PROCESS_FREE)
      tally_add(run, &run->channel->processes[i]);
}
