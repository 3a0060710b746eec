/* All sites in one batch, each with a counting hook: what they got, how long that took, and what it cost. */
#include <string.h>
#include <fcntl.h>
#include <time.h>
#include "lister.h"
#include "os/memory.h"
#include "raw_syscall.h"

enum { BATCHES_MAX = 100 };

struct member {
  uintptr_t address;                   /* 0: refused */
  uint32_t function;
  sighook_hook hook;
};

struct members {
  const struct sites *sites;
  struct member *all;
  uint64_t count;
  struct member **tried;               /* in the batch, in its order */
};

static void add_member(void *data, uint32_t function, uintptr_t address)
{
  struct members *members = data;

  members->all[members->count++] = (struct member){.address = address, .function = function};
}

static void refuse(const struct members *members, struct member *member)
{
  list_record(members->sites, member->function, member->address, NULL);
  member->address = 0;
}

static uint64_t now_ns(void)
{
  struct timespec now = {0};

  host_syscall2(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* By raw calls: libc's functions may be hooked. */
static long read_file(const char *path, char *buffer, size_t size, uint64_t *lines)
{
  int descriptor = (int)host_syscall4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  long length, first = 0;

  while (descriptor >= 0 && (length = host_syscall3(SYS_read, descriptor, buffer, size)) > 0) {
    for (long i = 0; i < length; i++)
      *lines += buffer[i] == '\n';
    first = first ? first : length;
  }
  if (descriptor >= 0)
    host_syscall1(SYS_close, descriptor);
  return first;
}

/* /proc/self/statm: size, resident, shared, in pages. */
static struct listing_process measure(void)
{
  struct listing_process process = {0};
  char text[4096];
  uint64_t numbers[3] = {0}, lines = 0;
  long length = read_file("/proc/self/statm", text, sizeof text, &lines);

  for (long i = 0, field = 0; i < length && field < 3; i++)
    if (text[i] >= '0' && text[i] <= '9')
      numbers[field] = numbers[field] * 10 + (uint64_t)(text[i] - '0');
    else
      field++;
  process.memory = (numbers[1] - numbers[2]) * os_page_size();
  read_file("/proc/self/maps", text, sizeof text, &process.mappings);
  return process;
}

/* One try. What is to blame for a failure is left out of the next. */
static bool commit(struct members *members, bool *is_hopeless)
{
  struct listing *listing = members->sites->listing;
  uint64_t start = now_ns(), count = 0;
  size_t failed_at = SIZE_MAX;
  sighook_batch *batch;
  sighook_status status = sighook_batch_create(&batch);

  for (uint64_t i = 0; i < members->count && !status; i++) {
    sighook_spec spec = list_spec(members->all[i].address);

    if (!members->all[i].address)
      continue;
    status = sighook_batch_install(batch, &spec, &members->all[i].hook);
    members->tried[count++] = &members->all[i];
  }
  if (!status)
    status = sighook_batch_commit(batch, &failed_at);
  listing->batch_ns = now_ns() - start;
  listing->batch_sites = count;
  /* Where the system refuses, no site is to blame. */
  *is_hopeless = status && (failed_at >= count || status >= SIGHOOK_NO_MEMORY);
  if (status && !*is_hopeless)
    refuse(members, members->tried[failed_at]);
  sighook_batch_destroy(batch);
  return status == SIGHOOK_OK;
}

static void install(struct members *members)
{
  struct listing *listing = members->sites->listing;
  sighook_error error = {.size = sizeof error};
  bool is_hopeless = false, is_done = false;

  listing->before = measure();
  while (!is_done && !is_hopeless && listing->batches < BATCHES_MAX) {
    is_done = commit(members, &is_hopeless);
    listing->batches++;
  }
  listing->after = measure();
  if (is_done)
    return;
  sighook_last_error(&error);
  memcpy(listing->failure, error.message, sizeof listing->failure - 1);
}

static void ask_first(const struct members *members)
{
  for (uint64_t i = 0; i < members->count; i++) {
    sighook_spec spec = list_spec(members->all[i].address);
    sighook_info info = {.size = sizeof info};

    if (sighook_check(&spec, &info) != SIGHOOK_OK)
      refuse(members, &members->all[i]);
  }
}

static void ask_what_became(const struct members *members)
{
  for (uint64_t i = 0; i < members->count; i++) {
    const struct member *member = &members->all[i];
    sighook_info info = {.size = sizeof info};
    bool is_there = member->address && sighook_query(member->hook, &info) == SIGHOOK_OK;

    if (member->address)
      list_record(members->sites, member->function, member->address, is_there ? &info : NULL);
  }
}

void list_together(const struct sites *sites)
{
  uint64_t count = sites_count(sites);
  size_t size = page_up(count * (sizeof(struct member) + sizeof(struct member *)) + 1, os_page_size());
  struct members members = {.sites = sites, .all = os_allocate(size)};

  if (!members.all)
    return;
  members.tried = (struct member **)(members.all + count);
  sites_each(sites, add_member, &members);
  ask_first(&members);
  install(&members);
  if (!*sites->listing->failure)
    ask_what_became(&members);
}
