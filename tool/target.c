/* Starting the target with the agent in it, serving agents, and ending as the target ended. */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "agent/environment.h"
#include "count.h"
#include "room.h"
#include "store.h"

extern char **environ;

enum { BELL_WAIT_NS = 50000000 };
#define SECOND_NS UINT64_C(1000000000)

uint64_t now_ns(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* ---- signals ---- */

/* What the command changes for itself, and how the target is to find it. */
static const int signals_changed[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD};
enum { SIGNALS = sizeof signals_changed / sizeof signals_changed[0] };
static struct sigaction signals_before[SIGNALS];

static volatile sig_atomic_t detach_signal;
static _Atomic(uint64_t) interrupted_at;
static struct channel *rung;

static void ring(void)
{
  atomic_fetch_add(&rung->bell, 1);
  syscall(SYS_futex, &rung->bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* The terminal sends ^C to the target too, and the target decides. A second one within a second is meant for us. */
static void on_interrupt(int signal_number)
{
  int error_number = errno;
  uint64_t now = now_ns(), before = atomic_exchange(&interrupted_at, now);

  if (before && now - before < SECOND_NS) {
    detach_signal = signal_number;
    ring();
  }
  errno = error_number;
}

static void on_hangup(int signal_number)
{
  int error_number = errno;

  detach_signal = signal_number;
  ring();
  errno = error_number;
}

static void take_signals(struct channel *channel)
{
  static void (*const handlers[SIGNALS])(int) = {on_interrupt, SIG_IGN, on_hangup, on_hangup, SIG_IGN, SIG_DFL};

  rung = channel;
  for (unsigned i = 0; i < SIGNALS; i++) {
    struct sigaction action = {.sa_handler = handlers[i], .sa_flags = SA_RESTART};

    sigaction(signals_changed[i], NULL, &signals_before[i]);
    if (signals_before[i].sa_handler != SIG_IGN || handlers[i] == SIG_DFL)
      sigaction(signals_changed[i], &action, NULL);
  }
}

static void give_signals_back(void)
{
  for (unsigned i = 0; i < SIGNALS; i++)
    sigaction(signals_changed[i], &signals_before[i], NULL);
}

/* ---- running ---- */

/* A library comes into the host, which lies beside the agent, by the same way as the agent. */
static void become_host(const struct count_run *run)
{
  const char *users = getenv("LD_PRELOAD");
  char *path = NULL, *preload = NULL;

  if (asprintf(&path, "%.*s/sighook-host", (int)(strrchr(run->agent, '/') - run->agent), run->agent) < 0 ||
      asprintf(&preload, "%s%s%s", run->program, users ? ":" : "", users ? users : "") < 0 ||
      setenv("LD_PRELOAD", preload, 1) != 0)
    _exit(OWN_FAILURE);
  give_signals_back();
  execve(path, (char *[]){path, NULL},
         environment_with_agent(run->channel, environ, checked(malloc(environment_size(run->channel, environ)))));
  fprintf(stderr, "sighook: %s, which libraries are loaded into: %m\n", path);
  _exit(OWN_FAILURE);
}

static void become_target(const struct count_run *run)
{
  void *memory = checked(malloc(environment_size(run->channel, environ)));
  char **with = environment_with_agent(run->channel, environ, memory), **shell;
  size_t count = 0;
  int failure;

  give_signals_back();
  execve(run->program, run->command, with);
  if (errno == ENOEXEC) {              /* a script without #!: execvp(3) has a shell run it */
    while (run->command[count])
      count++;
    shell = checked(calloc(count + 2, sizeof *shell));
    shell[0] = (char *)"/bin/sh";
    shell[1] = (char *)run->program;
    for (size_t i = 1; i < count; i++)
      shell[i + 1] = run->command[i];
    execve(shell[0], shell, with);
  }
  failure = errno;
  fprintf(stderr, "sighook: %s: %s\n", run->program, strerror(failure));
  _exit(failure == ENOENT ? COMMAND_NOT_FOUND : NOT_EXECUTABLE);
}

struct wait {
  int child, status;
  _Atomic(bool) over;
};

static void *wait_for_child(void *data)
{
  struct wait *wait = data;

  while (waitpid(wait->child, &wait->status, 0) < 0 && errno == EINTR)
    ;
  atomic_store(&wait->over, true);
  ring();
  return NULL;
}

static void serve_until_end(struct count_run *run, struct wait *wait)
{
  const struct timespec patience = {0, BELL_WAIT_NS};

  for (;;) {
    uint32_t bell = atomic_load(&run->channel->bell), count = store_places(run);
    bool ended = atomic_load(&wait->over) || detach_signal;

    for (uint32_t i = 0; i < count; i++)
      if (atomic_load(&run->channel->processes[i].state) == PROCESS_ASKS)
        serve(run, &run->channel->processes[i]);
    store_sweep(run);
    if (ended)
      break;
    syscall(SYS_futex, &run->channel->bell, FUTEX_WAIT, bell, &patience, NULL, 0);
  }
  run->end_ns = now_ns();
  run->has_ended = atomic_load(&wait->over);
  run->status = run->has_ended ? wait->status : 0;
  run->detached_by = run->has_ended ? 0 : detach_signal;
}

/* Dies of the signal, without a core of our own. */
static int die_of(int signal_number)
{
  sigset_t only;

  setrlimit(RLIMIT_CORE, &(struct rlimit){0});
  fflush(NULL);
  signal(signal_number, SIG_DFL);
  sigemptyset(&only);
  sigaddset(&only, signal_number);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
  raise(signal_number);
  return 128 + signal_number;
}

static int end_as_target(const struct count_run *run)
{
  if (run->refused)
    return OWN_FAILURE;
  if (run->detached_by)
    return run->detached_by == SIGINT ? 128 + SIGINT : die_of(run->detached_by);
  return WIFSIGNALED(run->status) ? die_of(WTERMSIG(run->status)) : WEXITSTATUS(run->status);
}

int target_run(struct count_run *run)
{
  static struct wait wait;
  pthread_t waiter;

  if (!store_open(run))
    return OWN_FAILURE;
  clock_gettime(CLOCK_REALTIME, &run->start_time);
  run->start_ns = now_ns();
  take_signals(run->channel);
  run->child = wait.child = fork();
  if (run->child == 0 && run->is_library)
    become_host(run);
  if (run->child == 0)
    become_target(run);
  if (run->child < 0 || pthread_create(&waiter, NULL, wait_for_child, &wait) != 0) {
    fprintf(stderr, "sighook: no process for %s: %m\n", run->program);
    return OWN_FAILURE;
  }
  serve_until_end(run, &wait);
  store_close(run);
  if (run->list && !run->detached_by) {
    room_take_listing(run);
    return list_report(run);
  }
  if (!run->refused && !run->list)
    report(run);
  return end_as_target(run);
}
