/* The channel: places for processes and chunks of counters are taken by agents and given back here, images (see room.h) are made
 * and given back by the command. What is given back is punched out of the memory file, which zeroes it. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "chunks.h"
#include "room.h"
#include "tally.h"

enum { SWEEP_PROCESSES = 512 };
#define SWEEP_BYTES (UINT64_C(64) << 20)
#define SWEEP_INTERVAL_NS UINT64_C(50000000)

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

/* Linux 6.3 and later wants to be told that it is not to be executed (vm.memfd_noexec), what earlier ones do not know. */
static int memory_file(void)
{
  enum { NOEXEC_SEAL = 8 };            /* MFD_NOEXEC_SEAL */
  int descriptor = memfd_create("sighook", MFD_CLOEXEC | MFD_ALLOW_SEALING | NOEXEC_SEAL);

  return descriptor < 0 && errno == EINVAL ? memfd_create("sighook", MFD_CLOEXEC | MFD_ALLOW_SEALING) : descriptor;
}

static bool make_channel(struct count_run *run)
{
  struct stat subject;
  void *memory;

  run->descriptor = memory_file();
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
  if (!find_agent(run->agent)) {
    fputs("sighook: the agent, libsighook-agent.so, was not found beside the command; not run\n", stderr);
    return false;
  }
  if (strpbrk(run->agent, ": ")) {      /* both separate names in LD_PRELOAD */
    fprintf(stderr, "sighook: the agent's path must not have blanks or colons: %s; not run\n", run->agent);
    return false;
  }
  memcpy(run->channel->agent, run->agent, sizeof run->agent);
  own_id_space = stat("/proc/self/ns/pid", &space) == 0 ? space.st_ino : 0;
  return true;
}

/* ---- ends ---- */

uint32_t store_places(struct count_run *run)
{
  uint32_t count = atomic_load(&run->channel->process_count);

  if (count <= CHANNEL_PROCESSES)
    return count;
  run->is_broken = true;
  return CHANNEL_PROCESSES;
}

/* Adds what the process counted to the tally. Its image; NULL: it has none. */
static const struct image *add_up(struct count_run *run, const struct channel_process *process)
{
  uint32_t state = atomic_load(&process->state);
  uint64_t offset = __atomic_load_n(&process->image, __ATOMIC_RELAXED);
  const struct image *image = offset ? room_image_at(offset) : NULL;
  struct chunks chunks = chunks_gather(run, process);

  run->is_broken |= state > PROCESS_LISTS || (offset && !image) || chunks.broken;
  tally_refused(atomic_load(&process->refused_chunks));
  if (image && state == PROCESS_RUNS && !tally_add(run, image, &chunks))
    run->is_broken = true;
  return image;
}

static void retire(struct count_run *run, uint32_t place)
{
  struct channel_process *process = &run->channel->processes[place];
  uint64_t offset = offsetof(struct channel, processes) + place * sizeof *process;
  const struct image *image = add_up(run, process);

  if (image)
    room_drop_image(run, image);
  room_punch(run, offset, sizeof *process);
  channel_push(run->channel, &run->channel->free_processes, offset);
}

void store_retire_predecessors(struct count_run *run, const struct channel_process *process)
{
  for (uint32_t i = 0; i < store_places(run); i++) {
    const struct channel_process *other = &run->channel->processes[i];

    if (other != process && other->id == process->id && other->id_space == process->id_space &&
        atomic_load(&other->state) == PROCESS_RUNS)
      retire(run, i);
  }
}

static bool has_ended(const struct channel_process *process)
{
  return process->id_space == own_id_space && kill(process->id, 0) != 0 && errno == ESRCH;
}

static bool sweep_is_due(struct count_run *run, uint64_t now)
{
  bool is_much = store_places(run) >= SWEEP_PROCESSES ||
                 atomic_load(&run->channel->used) >= sizeof *run->channel + SWEEP_BYTES;

  return is_much && now - swept_at_ns >= SWEEP_INTERVAL_NS;
}

void store_sweep(struct count_run *run)
{
  uint64_t now = now_ns();

  if (sweep_is_due(run, now)) {
    swept_at_ns = now;
    for (uint32_t i = 0; i < store_places(run); i++)
      if (atomic_load(&run->channel->processes[i].state) != PROCESS_FREE && has_ended(&run->channel->processes[i]))
        retire(run, i);
  }
  chunks_give_back(run);
}

void store_close(struct count_run *run)
{
  run->is_broken |= run->channel->magic != CHANNEL_MAGIC;
  for (uint32_t i = 0; i < store_places(run); i++)
    if (atomic_load(&run->channel->processes[i].state) != PROCESS_FREE)
      add_up(run, &run->channel->processes[i]);
}
