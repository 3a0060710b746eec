/* A program that waits with signals blocked: in calls that have a mask of their own, and in a thread that does nothing else. It
 * prints what it finds, which is the same whoever traps.
 *   waits WAY
 * `waits masks-traps` and `waits thread-traps`, by SIGILL and SIGTRAP, show what the agent does not do: see docs/architecture.md,
 * "Masks".
 * `waits libc` ends with 1 where threads of a program with several wait by an instruction of libc's that may not be hooked. */
#include <errno.h>
#include <gnu/libc-version.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "sets.h"

static const int watched[] = {SIGILL, SIGTRAP, SIGUSR1};
enum { WATCHED = sizeof watched / sizeof watched[0], AWHILE = 30, LONG = 10000 };   /* milliseconds */

static const char *members(const sigset_t *set)
{
  return members_of(set, watched, "itu");
}

static void show_blocked(const char *when)
{
  sigset_t blocked, pending;

  pthread_sigmask(SIG_BLOCK, NULL, &blocked);
  sigpending(&pending);
  printf("%s: blocked %s", when, members(&blocked));
  printf(", pending %s\n", members(&pending));
}

static volatile sig_atomic_t handled, quiet;

static void tell(int number, siginfo_t *info, void *ucontext)
{
  (void)ucontext;
  handled = handled + 1;
  if (quiet)
    return;
  printf("  handler of %d, code %d", number, info->si_code);
  show_blocked("");
}

/* ---- calls with a mask ---- */

static int ready[2];                  /* a pipe's ends; what is written there is never read */
static int empty[2];

static int by_ppoll(int descriptor, int wait_ms, const sigset_t *mask)
{
  struct pollfd wanted = {.fd = descriptor, .events = POLLIN};

  return ppoll(&wanted, 1, &(struct timespec){wait_ms / 1000, wait_ms % 1000 * 1000000}, mask);
}

static int by_pselect(int descriptor, int wait_ms, const sigset_t *mask)
{
  fd_set wanted;

  FD_ZERO(&wanted);
  FD_SET(descriptor, &wanted);
  return pselect(descriptor + 1, &wanted, NULL, NULL, &(struct timespec){wait_ms / 1000, wait_ms % 1000 * 1000000}, mask);
}

static int by_epoll(int descriptor, int wait_ms, const sigset_t *mask)
{
  struct epoll_event event = {.events = EPOLLIN};
  int set = epoll_create1(EPOLL_CLOEXEC), result, error;

  epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event);
  result = epoll_pwait(set, &event, 1, wait_ms, mask);
  error = errno;
  close(set);
  errno = error;
  return result;
}

static const struct waiting {
  const char *name;
  int (*wait)(int descriptor, int wait_ms, const sigset_t *mask);
} waitings[] = {{"ppoll", by_ppoll}, {"pselect", by_pselect}, {"epoll_pwait", by_epoll}};
enum { WAITINGS = sizeof waitings / sizeof waitings[0] };

static const struct waiting *waiting;
static int number;                    /* the signal tried */

static void wait_with(const char *what, int descriptor, int wait_ms, const sigset_t *mask)
{
  int result = waiting->wait(descriptor, wait_ms, mask);
  int error = errno;

  printf("%s, %s: %d, %d", waiting->name, what, result, result < 0 ? error : 0);
  show_blocked("");
}

/* It does so in what is tried only. A signal that comes while it is at a trap may be merged with that. */
static void await_asleep(int process, int thread)
{
  char path[64], line[256] = "";
  const char *state;

  do {
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", process, thread);
    file = fopen(path, "re");
    if (file) {
      if (!fgets(line, sizeof line, file))
        line[0] = 0;
      fclose(file);
    }
    state = strrchr(line, ')');
  } while (!state || state[2] != 'S');
}

/* So that they come while the call waits, or before. Not by a thread: with several the C library may wait by other code. */
static pid_t start_sender(int times)
{
  pid_t self = getpid(), child = fork();

  for (int i = 0; child == 0 && (!times || i < times); i++) {
    usleep(AWHILE / 2 * 1000);
    await_asleep(self, self);
    kill(self, number);
  }
  if (child == 0)
    _exit(0);
  return child;
}

/* `times` 0: until it is over. When they come nobody knows, unless they are blocked until then. */
static void wait_and_be_sent(const char *what, int times, int wait_ms, const sigset_t *mask)
{
  pid_t sender;

  handled = 0;
  sender = start_sender(times);
  wait_with(what, empty[0], wait_ms, mask);
  if (!times)
    kill(sender, SIGKILL);
  while (waitpid(sender, NULL, 0) < 0 && errno == EINTR)
    ;
  printf("handled: %s\n", handled ? "yes" : "no");
}

static void take(void)
{
  sigset_t set = set_of(number);
  siginfo_t info;
  int taken = sigtimedwait(&set, &info, &(struct timespec){0});

  printf("taken: %d\n", taken);
}

static void wait_in_each_way(void)
{
  sigset_t set = set_of(number), none = set_of(0), other = set_of(SIGUSR2), all;

  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &set, NULL);
  show_blocked("at first");
  raise(number);
  wait_with("one pending that is let in", empty[0], LONG, &none);
  wait_with("none pending", empty[0], AWHILE, &none);
  wait_and_be_sent("one sent that is let in", 1, LONG, &other);
  raise(number);
  wait_with("one pending, blocked there too", empty[0], AWHILE, &set);
  wait_with("one pending, no mask", empty[0], AWHILE, NULL);
  wait_with("one pending, all blocked", empty[0], AWHILE, &all);
  wait_with("ready at once", ready[0], LONG, &none);
  take();
  take();
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  quiet = 1;
  wait_and_be_sent("one sent, blocked only there", 1, 2 * AWHILE, &all);
  wait_and_be_sent("some sent, blocked nowhere", 0, LONG, NULL);
  quiet = 0;
  show_blocked("at last");
}

static void run_masks(int first)
{
  struct sigaction action = {.sa_sigaction = tell, .sa_flags = SA_SIGINFO};

  if (pipe(ready) != 0 || pipe(empty) != 0 || write(ready[1], "x", 1) != 1)
    exit(1);
  for (int i = first; i < WATCHED; i++) {
    number = watched[i];
    sigaction(number, &action, NULL);
    for (int j = 0; j < WAITINGS; j++) {
      waiting = &waitings[j];
      wait_in_each_way();
    }
  }
}

/* ---- a thread that waits for signals ---- */

enum { ROUNDS = 200 };
static int counts[65], taker;

/* Takes whatever comes, until SIGTERM does. */
static void *take_all(void *unused)
{
  sigset_t all;
  int taken;

  sigfillset(&all);
  __atomic_store_n(&taker, (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
  while (sigwait(&all, &taken) == 0 && taken != SIGTERM)
    __atomic_fetch_add(&counts[taken], 1, __ATOMIC_SEQ_CST);
  return unused;
}

static int await_count(int sent, int count)
{
  for (int i = 0; i < LONG && __atomic_load_n(&counts[sent], __ATOMIC_SEQ_CST) < count; i++)
    usleep(AWHILE * 1000 / 100);
  return __atomic_load_n(&counts[sent], __ATOMIC_SEQ_CST) == count;
}

static int await_taker(void)
{
  int thread;

  while (!(thread = __atomic_load_n(&taker, __ATOMIC_SEQ_CST)))
    usleep(100);
  return thread;
}

/* To the thread, each when the one before was taken; and to the process, but for those that somebody may trap by. */
static void run_thread(const int sent[2], int to_process)
{
  pthread_t thread;
  sigset_t all;

  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  pthread_create(&thread, NULL, take_all, NULL);
  for (int i = 0; i < 2; i++) {
    for (int j = 1; j <= ROUNDS; j++) {
      if (sent[i] == SIGTRAP)
        await_asleep(getpid(), await_taker());
      pthread_kill(thread, sent[i]);
      if (!await_count(sent[i], j))
        break;
    }
    printf("%d: %d\n", sent[i], counts[sent[i]]);
  }
  for (int i = 0; i < 2 && to_process; i++) {
    for (int j = 1; j <= ROUNDS; j++) {
      kill(getpid(), sent[i]);
      if (!await_count(sent[i], ROUNDS + j))
        break;
    }
    printf("%d: %d\n", sent[i], counts[sent[i]]);
  }
  kill(getpid(), SIGTERM);
  pthread_join(thread, NULL);
  show_blocked("at last");
}

int main(int argc, char **argv)
{
  setvbuf(stdout, NULL, _IONBF, 0);
  if (argc > 1 && strcmp(argv[1], "masks") == 0)
    run_masks(WATCHED - 1);
  else if (argc > 1 && strcmp(argv[1], "masks-traps") == 0)
    run_masks(0);
  else if (argc > 1 && strcmp(argv[1], "thread") == 0)
    run_thread((const int[]){SIGUSR1, SIGHUP}, 1);
  else if (argc > 1 && strcmp(argv[1], "thread-traps") == 0)
    run_thread((const int[]){SIGILL, SIGTRAP}, 0);
  else if (argc > 1 && strcmp(argv[1], "libc") == 0)
    return atof(gnu_get_libc_version()) > 2.405;
  else
    return 1;
  return 0;
}
