/* Starting the target with the agent in it, and waiting for its end. */
#include "count.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "agent/environment.h"

extern char **environ;

static uint64_t now_ns(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- what to run ---- */

static bool find_in_path(struct count_run *run)
{
  const char *name = run->command[0], *path = getenv("PATH");
  struct stat status;

  if (strchr(name, '/')) {
    snprintf(run->program, sizeof run->program, "%s", name);
    return stat(run->program, &status) == 0;
  }
  for (const char *at = path ? path : "/bin:/usr/bin"; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
    snprintf(run->program, sizeof run->program, "%.*s/%s", (int)strcspn(at, ":"), at, name);
    if (stat(run->program, &status) == 0 && S_ISREG(status.st_mode) && access(run->program, X_OK) == 0)
      return true;
  }
  return false;
}

static const char *elf_complaint(const unsigned char *head, ssize_t length)
{
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)head;

  if (length < (ssize_t)sizeof *header || memcmp(head, ELFMAG, SELFMAG) != 0)
    return NULL;                       /* a script, or nothing that runs: the kernel will say */
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64)
    return "is not a 64-bit x86 program";
  for (unsigned i = 0; i < header->e_phnum; i++) {
    size_t at = header->e_phoff + i * sizeof(Elf64_Phdr);

    if (at + sizeof(Elf64_Phdr) <= (size_t)length && ((const Elf64_Phdr *)(head + at))->p_type == PT_INTERP)
      return NULL;
  }
  return "is static: no loader to bring the agent in";
}

int target_find(struct count_run *run)
{
  unsigned char head[4096];
  const char *complaint;
  struct stat status;
  int descriptor;
  ssize_t length;

  if (!find_in_path(run)) {
    fprintf(stderr, "sighook: %s: not found\n", run->command[0]);
    return COMMAND_NOT_FOUND;
  }
  if (stat(run->program, &status) != 0 || !S_ISREG(status.st_mode) || access(run->program, X_OK) != 0) {
    fprintf(stderr, "sighook: %s: cannot be executed\n", run->program);
    return NOT_EXECUTABLE;
  }
  if (status.st_mode & (S_ISUID | S_ISGID)) {
    fprintf(stderr, "sighook: %s is setuid: privileged programs are refused; not run\n", run->program);
    return OWN_FAILURE;
  }
  descriptor = open(run->program, O_RDONLY | O_CLOEXEC);
  length = descriptor < 0 ? 0 : read(descriptor, head, sizeof head);
  if (descriptor >= 0)
    close(descriptor);
  complaint = elf_complaint(head, length);
  if (!complaint)
    return 0;
  fprintf(stderr, "sighook: %s %s; not run\n", run->program, complaint);
  if (strstr(complaint, "static"))
    fputs("  try: link it with libsighook.a (man sighook, STATIC PROGRAMS)\n", stderr);
  return OWN_FAILURE;
}

/* ---- the channel ---- */

/* The agent lies beside the command in a build, and in ../lib/sighook where installed. */
static bool find_agent(char path[CHANNEL_PATH])
{
  static const char *const places[] = {"agent/libsighook-agent.so", "../lib/sighook/libsighook-agent.so"};
  const char *given = getenv("SIGHOOK_AGENT");
  char own[4096];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);

  if (given) {
    unsetenv("SIGHOOK_AGENT");
    return realpath(given, own) && snprintf(path, CHANNEL_PATH, "%s", own) < CHANNEL_PATH;
  }
  if (length <= 0)
    return false;
  own[length] = 0;
  *strrchr(own, '/') = 0;
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    char place[4200], real[4096];

    snprintf(place, sizeof place, "%s/%s", own, places[i]);
    if (realpath(place, real))
      return snprintf(path, CHANNEL_PATH, "%s", real) < CHANNEL_PATH;
  }
  return false;
}

static bool make_channel(struct count_run *run)
{
  void *memory;

  run->descriptor = memfd_create("sighook", MFD_CLOEXEC);
  if (run->descriptor < 0 || ftruncate(run->descriptor, CHANNEL_SIZE) != 0)
    return false;
  memory = mmap(NULL, CHANNEL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, run->descriptor, 0);
  if (memory == MAP_FAILED)
    return false;
  run->channel = memory;
  run->channel->magic = CHANNEL_MAGIC;
  run->channel->command_id = getpid();
  run->channel->follow = !run->no_follow;
  atomic_store(&run->channel->used, (sizeof *run->channel + 4095) & ~UINT64_C(4095));
  snprintf(run->channel->path, CHANNEL_PATH, "/proc/%d/fd/%d", getpid(), run->descriptor);
  return find_agent(run->channel->agent);
}

/* ---- running ---- */

static void *wait_for_child(void *data)
{
  struct count_run *run = data;

  while (waitpid(run->child, &run->status, 0) < 0 && errno == EINTR)
    ;
  run->end_ns = now_ns();
  atomic_fetch_add(&run->channel->bell, 1);
  syscall(SYS_futex, &run->channel->bell, FUTEX_WAKE, 1, NULL, NULL, 0);
  return NULL;
}

static void serve_until_end(struct count_run *run)
{
  const struct timespec patience = {0, 50000000};

  for (;;) {
    uint32_t rung = atomic_load(&run->channel->bell), count = atomic_load(&run->channel->process_count);
    bool ended = run->end_ns != 0;

    for (uint32_t i = 0; i < count && i < CHANNEL_PROCESSES; i++)
      if (atomic_load(&run->channel->processes[i].state) == PROCESS_ASKS)
        serve(run, &run->channel->processes[i]);
    if (ended)
      return;
    syscall(SYS_futex, &run->channel->bell, FUTEX_WAIT, rung, &patience, NULL, 0);
  }
}

static void become_target(const struct count_run *run)
{
  char **with = environment_with_agent(run->channel, environ);
  int failure;

  execve(run->program, run->command, with);
  failure = errno;
  fprintf(stderr, "sighook: %s: %s\n", run->program, strerror(failure));
  _exit(failure == ENOENT ? COMMAND_NOT_FOUND : NOT_EXECUTABLE);
}

/* Ends as the target ended. */
static int end_as_target(const struct count_run *run)
{
  if (run->refused)
    return OWN_FAILURE;
  if (!WIFSIGNALED(run->status))
    return WEXITSTATUS(run->status);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0});
  fflush(NULL);
  signal(WTERMSIG(run->status), SIG_DFL);
  raise(WTERMSIG(run->status));
  return 128 + WTERMSIG(run->status);
}

int target_run(struct count_run *run)
{
  pthread_t waiter;

  if (!make_channel(run)) {
    fprintf(stderr, "sighook: %s\n", run->channel ? "the agent, libsighook-agent.so, was not found beside the command"
                                                  : "no shared memory for the target's counters");
    return OWN_FAILURE;
  }
  run->start_ns = now_ns();
  run->child = fork();
  if (run->child == 0)
    become_target(run);
  if (run->child < 0 || pthread_create(&waiter, NULL, wait_for_child, run) != 0) {
    perror("sighook: fork");
    return OWN_FAILURE;
  }
  /* The terminal sends these to the target too: it decides. */
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  serve_until_end(run);
  pthread_join(waiter, NULL);
  if (!run->refused)
    report(run);
  return end_as_target(run);
}
