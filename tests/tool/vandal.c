/* A target that writes over the memory that it shares with the command: vandal WAY SEED. It does so before main, again at its
 * end, and all the time from a child that the agent does not know and that outlives it. */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "channel.h"

enum { STATUS = 7, LINGERS_SECONDS = 1, SPRINKLES = 2000, MORE = 1 << 20, RINGS = 20, RING_US = 10000 };

static struct channel *channel;
static uint64_t used, seed;
static const char *way;

static uint64_t next_random(void)
{
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static struct channel *find_channel(void)
{
  FILE *maps = fopen("/proc/self/maps", "r");
  struct channel *found = NULL;
  unsigned long start;
  char line[512];

  while (maps && !found && fgets(line, sizeof line, maps))
    if (strstr(line, "memfd:sighook") && sscanf(line, "%lx-", &start) == 1)
      found = (struct channel *)start;
  if (maps)
    fclose(maps);
  return found;
}

/* What a program that knows the layout would write. */
static uint64_t delicate(void)
{
  static const uint64_t values[] = {0, 1, 2, 3, 4, 5, 6, 7, 64, 4095, 4096, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, UINT64_MAX,
                                    CHANNEL_SIZE, CHANNEL_SIZE - 64, CHANNEL_SIZE - 8, sizeof(struct channel)};
  const uint64_t count = sizeof values / sizeof values[0];
  uint64_t choice = next_random() % (count + 4);

  return choice < count ? values[choice] : next_random() % used & ~(choice == count ? 0 : UINT64_C(63));
}

static void sprinkle(void *start, size_t size)
{
  for (unsigned i = 0; i < SPRINKLES; i++)
    ((uint32_t *)start)[next_random() % (size / 4)] = (uint32_t)delicate();
}

/* Every place is a process that runs with our image, and whose chunks are linked to a ring. */
static void forge(uint32_t state)
{
  const struct channel_process own = channel->processes[0];

  for (uint64_t at = own.chunks, next; at && at < CHANNEL_SIZE; at = next) {
    next = ((struct channel_chunk *)channel_at(channel, at))->next;
    if (next == own.chunks)
      break;
    if (!next)
      ((struct channel_chunk *)channel_at(channel, at))->next = own.chunks;
  }
  for (unsigned i = 0; i < CHANNEL_PROCESSES; i++) {
    channel->processes[i] = own;
    channel->processes[i].id = (int)i;
    channel->processes[i].state = state;
  }
  channel->process_count = CHANNEL_PROCESSES;
}

static void spoil_image(void)
{
  uint64_t offset = channel->processes[0].image;
  struct channel_image *image = channel_at(channel, offset);

  if (!offset || offset >= CHANNEL_SIZE)
    return;
  for (uint32_t i = 0; i < image->site_count && i < 1000; i++)
    image->sites[i] = (struct channel_site){.answer = i % 2 ? ANSWER_REFUSED : ANSWER_HOOKED,
                                            .is_ifunc = i % 3 == 0,
                                            .target_module = UINT32_MAX,
                                            .counter = (uint32_t)delicate(),
                                            .reason = (uint32_t)delicate(),
                                            .status = UINT16_MAX,
                                            .entry = UINT8_MAX};
  image->thread_counter = (uint32_t)delicate();
  image->references = (uint32_t)delicate();
}

/* Asks with names that do not end, or with more of them than there can be; and wants the image to be put where something is. */
static void ask(void)
{
  struct channel_process *process = &channel->processes[1];

  memset(process->modules, 'x', sizeof process->modules);
  memset(channel->notes, 'x', sizeof channel->notes);
  channel->note_count = UINT32_MAX;
  channel->process_count = 3;
  process->module_count = next_random() % 2 ? UINT32_MAX : 4;
  channel->processes[2] = channel->processes[0];
  channel->used = next_random() % 2 ? 8 : CHANNEL_SIZE - 8;
  process->state = channel->processes[2].state = PROCESS_ASKS;
}

static void spoil(void)
{
  size_t size = used + MORE;

  if (strcmp(way, "ones") == 0)
    memset(channel, 0xFF, size);
  else if (strcmp(way, "zeros") == 0)
    memset(channel, 0, size);
  else if (strcmp(way, "random") == 0)
    for (size_t i = 0; i < size / 8; i++)
      ((uint64_t *)channel)[i] = next_random();
  else if (strcmp(way, "head") == 0)
    sprinkle(channel, offsetof(struct channel, notes));
  else if (strcmp(way, "records") == 0) {
    sprinkle(channel->processes, 2 * sizeof channel->processes[0]);
    sprinkle((char *)channel + sizeof *channel, used - sizeof *channel);
  } else if (strcmp(way, "runs") == 0)
    forge(PROCESS_RUNS);
  else if (strcmp(way, "asks") == 0)
    forge(PROCESS_ASKS);
  else if (strcmp(way, "image") == 0)
    spoil_image();
  else
    ask();
}

/* The agent's constructor has run then. */
__attribute__((constructor)) static void start(int argc, char **argv)
{
  channel = find_channel();
  if (argc != 3 || !channel)
    return;
  way = argv[1];
  seed = strtoull(argv[2], NULL, 0) * 2 + 1;
  used = channel->used;
  if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) {        /* fork() would tell the agent */
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    alarm(LINGERS_SECONDS);
    for (;;)
      spoil();
  }
  spoil();
}

__attribute__((noinline)) void scratch(volatile unsigned *count)
{
  ++*count;
}

int main(void)
{
  volatile unsigned count = 0;

  for (unsigned i = 0; i < RINGS && channel; i++) {
    scratch(&count);
    channel->bell++;
    usleep(RING_US);
  }
  if (channel)
    spoil();
  _exit(channel ? STATUS : 1);
}
