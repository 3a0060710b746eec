/* Threads that sleep in system calls while hooks of every kind come and go by the thousand, alone, in batches, waited for, and
 * patches with them: none is woken, none is told EINTR. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include "branches.h"
#include "child.h"
#include "live.h"
#include "made.h"
#include "patterns.h"

enum {
  CHANGES = 1500,
  LONGER = 20,
  PAUSE = 1000,
  ARGUMENT = 5,
  WAIT_MS = 20000,
  WAIT = 0,
  WAKE = 1
};

static int poll_ends[2], read_ends[2], epoll_ends[2], listener;
static struct sockaddr_un name = {.sun_family = AF_UNIX};
static sem_t semaphore;
static atomic_int word;
static atomic_bool woken; /* the one that naps */
static atomic_int napper;

static void wake_by(int descriptor)
{
  REQUIRE(write(descriptor, "x", 1) == 1);
}

static long in_poll(void)
{
  struct pollfd wanted = {.fd = poll_ends[0], .events = POLLIN};

  return poll(&wanted, 1, -1);
}

static void wake_poll(void)
{
  wake_by(poll_ends[1]);
}

static long in_read(void)
{
  char byte;

  return read(read_ends[0], &byte, 1);
}

static void wake_read(void)
{
  wake_by(read_ends[1]);
}

static long in_epoll(void)
{
  struct epoll_event event = {.events = EPOLLIN};
  int set = epoll_create1(0);

  REQUIRE(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, epoll_ends[0], &event) == 0);
  return epoll_wait(set, &event, 1, -1);
}

static void wake_epoll(void)
{
  wake_by(epoll_ends[1]);
}

static long in_accept(void)
{
  return accept(listener, NULL, NULL) >= 0;
}

static void wake_accept(void)
{
  int client = socket(AF_UNIX, SOCK_STREAM, 0);

  REQUIRE(client >= 0 && connect(client, (struct sockaddr *)&name, sizeof name) == 0);
}

static long in_semaphore(void)
{
  return sem_wait(&semaphore) + 1;
}

static void wake_semaphore(void)
{
  REQUIRE(sem_post(&semaphore) == 0);
}

static long in_futex(void)
{
  return syscall(SYS_futex, &word, WAIT, 0, NULL) + 1;
}

static void wake_futex(void)
{
  REQUIRE(syscall(SYS_futex, &word, WAKE, 1) == 1);
}

static long in_nap(void)
{
  const struct timespec for_ever = {.tv_sec = 1000000};

  atomic_store(&napper, (int)syscall(SYS_gettid));
  return nanosleep(&for_ever, NULL) == -1 && errno == EINTR && atomic_load(&woken);
}

static void on_wake(int signal_number)
{
  (void)signal_number;
}

/* Nothing else ends it. */
static void wake_nap(void)
{
  struct sigaction action = {.sa_handler = on_wake};

  atomic_store(&woken, true);
  REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0 && syscall(SYS_tgkill, getpid(), atomic_load(&napper), SIGUSR1) == 0);
}

static struct peer {
  const char *call;
  long (*sleep)(void); /* 1 where it went well */
  void (*wake)(void);
  pthread_t thread;
  _Atomic(int) id;
  _Atomic(long) result;
  long switches;
} peers[] = {{"poll", in_poll, wake_poll, 0, 0, 0, 0},
             {"read", in_read, wake_read, 0, 0, 0, 0},
             {"epoll_wait", in_epoll, wake_epoll, 0, 0, 0, 0},
             {"accept", in_accept, wake_accept, 0, 0, 0, 0},
             {"sem_wait", in_semaphore, wake_semaphore, 0, 0, 0, 0},
             {"futex", in_futex, wake_futex, 0, 0, 0, 0},
             {"nanosleep", in_nap, wake_nap, 0, 0, 0, 0}};
enum {
  PEERS = sizeof peers / sizeof *peers
};

static void *sleep_once(void *peer)
{
  struct peer *own = peer;

  atomic_store(&own->id, (int)syscall(SYS_gettid));
  atomic_store(&own->result, own->sleep() == 1 ? 1 : -errno);
  return NULL;
}

/* How often the thread has been given a processor; -1 where that is not told, or it does not sleep. */
static long switches_of(const struct peer *peer)
{
  char path[64], line[256];
  bool asleep = false;
  long sum = 0, number;
  FILE *file;

  snprintf(path, sizeof path, "/proc/self/task/%d/status", atomic_load(&peer->id));
  file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file)) {
    asleep |= strncmp(line, "State:\tS", 8) == 0;
    if (sscanf(line, "voluntary_ctxt_switches: %ld", &number) == 1 ||
        sscanf(line, "nonvoluntary_ctxt_switches: %ld", &number) == 1)
      sum += number;
  }
  if (file)
    fclose(file);
  return asleep ? sum : -1;
}

static void start_peers(void)
{
  snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "signals_peers_%d", getpid());
  listener = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(listener >= 0 && bind(listener, (struct sockaddr *)&name, sizeof name) == 0 && listen(listener, 1) == 0);
  REQUIRE(pipe(poll_ends) == 0 && pipe(read_ends) == 0 && pipe(epoll_ends) == 0 && sem_init(&semaphore, 0, 0) == 0);
  for (unsigned i = 0; i < PEERS; i++)
    REQUIRE(pthread_create(&peers[i].thread, NULL, sleep_once, &peers[i]) == 0);
  usleep(200 * PAUSE); /* all are asleep by then */
  for (unsigned i = 0; i < PEERS; i++)
    REQUIRE((peers[i].switches = switches_of(&peers[i])) > 0);
}

static sighook_spec spec_of(uintptr_t address, uint32_t flags)
{
  return (sighook_spec){
      .size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .flags = flags, .address = address, .handler = count};
}

static void change(uintptr_t address, uint32_t flags, bool waits)
{
  sighook_spec spec = spec_of(address, flags);
  sighook_hook hook;

  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  REQUIRE((waits ? sighook_remove_wait(hook, WAIT_MS) : sighook_remove(hook)) == SIGHOOK_OK);
}

/* All sites, and a trap, as one; and away again. */
static void change_together(const struct branch *branches, unsigned number)
{
  sighook_hook hooks[BRANCHES_MAX + 1];
  sighook_batch *batch;

  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = 0; i <= number; i++) {
    sighook_spec spec = i < number ? spec_of(branches[i].site, 0) : spec_of((uintptr_t)simple, SIGHOOK_FORCE_TRAP);

    REQUIRE(sighook_batch_install(batch, &spec, &hooks[i]) == SIGHOOK_OK);
  }
  REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_OK);
  sighook_batch_destroy(batch);
  hits = 0;
  for (unsigned i = 0; i < number; i++)
    REQUIRE(branches[i].function(ARGUMENT) == branches[i].result);
  REQUIRE(hits >= (long)number);
  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = 0; i <= number; i++)
    REQUIRE(sighook_batch_remove(batch, hooks[i]) == SIGHOOK_OK);
  REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_OK);
  sighook_batch_destroy(batch);
}

static void patch(void)
{
  REQUIRE(sighook_patchcode((uintptr_t)code, (uint32_t)ADDS_9_OPCODE, NULL) == SIGHOOK_OK && call(ARGUMENT) == ARGUMENT + 9);
  REQUIRE(sighook_unhook((uintptr_t)code) == SIGHOOK_OK);
  REQUIRE(sighook_patch_bytes((uintptr_t)code, nops, sizeof nops, NULL) == SIGHOOK_OK);
  REQUIRE(sighook_unhook((uintptr_t)code) == SIGHOOK_OK && call(ARGUMENT) == ARGUMENT + 7);
}

static void require_asleep(void)
{
  for (unsigned i = 0; i < PEERS; i++) {
    long switches = switches_of(&peers[i]);

    if (atomic_load(&peers[i].result) == 0 && switches == peers[i].switches)
      continue;
    fprintf(stderr, "%s: ended with %ld, %ld switches, before %ld\n", peers[i].call, atomic_load(&peers[i].result),
            switches, peers[i].switches);
    _exit(1);
  }
}

static void change_beside_peers(void)
{
  struct branch branches[BRANCHES_MAX];
  unsigned number = branches_of_each_kind(branches, ARGUMENT),
           changes = CHANGES / SHARE * (getenv("SIGHOOK_LONG") ? LONGER : 1);

  make_code();
  start_peers();
  for (unsigned i = 0; i < changes; i++) {
    change(branches[i % number].site, 0, i % 2);
    change((uintptr_t)adds_1234, SIGHOOK_FORCE_TRAP, i % 3 == 0);
    change((uintptr_t)phased_site, 0, i % 5 == 0);
    if (i % 4 == 0)
      change_together(branches, number);
    if (i % 4 == 2)
      patch();
  }
  require_asleep();
  for (unsigned i = 0; i < PEERS; i++) {
    peers[i].wake();
    pthread_join(peers[i].thread, NULL);
    REQUIRE(atomic_load(&peers[i].result) == 1);
  }
}

static void nobody_is_woken_by_hooks_that_come_and_go(void **state)
{
  (void)state;
  assert_true(in_child(change_beside_peers));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_is_woken_by_hooks_that_come_and_go)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
