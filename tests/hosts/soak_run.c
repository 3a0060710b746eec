/* The steps of threads that run hooked code, each by chance. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "chance.h"
#include "soak.h"

enum { CALLS = 50, DEPTH = 2048 };

static void call_targets(uint64_t *chance)
{
  for (unsigned i = 0; i < CALLS; i++)
    soak_check_target((unsigned)(random_next(chance) % SOAK_TARGETS), (long)(random_next(chance) % 100000));
}

static void call_patched(uint64_t *chance)
{
  for (unsigned i = 0; i < CALLS; i++) {
    long number = soak_number();

    SOAK_REQUIRE(number == 0x1111 || number == 0x2222);
  }
  (void)chance;
}

static void fault(uint64_t *chance)
{
  const long there = (long)random_next(chance);

  SOAK_REQUIRE(soak_load(&there) == there);
  SOAK_REQUIRE(soak_load((const long *)16) == -7);
}

static void trap(uint64_t *chance)
{
  unsigned long before = soak_signals();

  if (random_next(chance) % 2)
    soak_own_trap();
  else
    raise(SIGTRAP);
  SOAK_REQUIRE(soak_signals() > before);
}

static __thread sigjmp_buf *jump_to;

/* Deeper than what the thread does next, which shows that the callback is over. */
static __attribute__((noinline)) void jump_out(long value)
{
  volatile char room[DEPTH];
  static __thread sigjmp_buf back;

  room[0] = 1;
  jump_to = &back;
  if (sigsetjmp(back, 0) == 0)
    SOAK_REQUIRE(soak_jumps_plain(value) == value + room[0]);
  jump_to = NULL;
}

void soak_jump_out(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  if (jump_to)
    siglongjmp(*jump_to, 1);
}

static void jump(uint64_t *chance)
{
  jump_out((long)(random_next(chance) % 1000));
}

static void await(pid_t child, int expected)
{
  int status;

  SOAK_REQUIRE(child > 0);
  SOAK_REQUIRE(waitpid(child, &status, 0) == child);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
    fprintf(stderr, "a child ended with %#x\n", (unsigned)status);
  SOAK_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == expected);
}

static void fork_child(uint64_t *chance)
{
  pid_t child = fork();

  if (child == 0) {
    signal(SIGALRM, SIG_DFL);
    alarm(60);                        /* it has no timers, and nobody waits for ever */
    call_targets(chance);
    soak_change_in_child(chance);
    call_targets(chance);
    _exit(5);
  }
  await(child, 5);
}

static void vfork_child(uint64_t *chance)
{
  static char *const arguments[] = {LEAF, "30", NULL};
  pid_t child = vfork();

  (void)chance;
  if (child == 0) {
    execve(LEAF, arguments, environ);
    _exit(99);
  }
  await(child, 30);
}

static void *short_life(void *argument)
{
  uint64_t chance = (uint64_t)(uintptr_t)argument;

  call_targets(&chance);
  if (chance % 3 == 0)
    pthread_exit(argument);
  if (chance % 3 == 1)
    for (;;)
      pause();                        /* until it is cancelled */
  return argument;
}

static void short_thread(uint64_t *chance)
{
  void *argument = (void *)(uintptr_t)(random_next(chance) | 1), *result;
  pthread_t thread;

  SOAK_REQUIRE(pthread_create(&thread, NULL, short_life, argument) == 0);
  pthread_cancel(thread);
  SOAK_REQUIRE(pthread_join(thread, &result) == 0 && (result == argument || result == PTHREAD_CANCELED));
}

static void count(sighook_context *context, void *user)
{
  (void)context;
  __atomic_fetch_add((unsigned long *)user, 1, __ATOMIC_RELAXED);
}

/* One thread at a time has the library to itself: hooks in it go before it goes. */
static void late_library(uint64_t *chance)
{
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static unsigned long hits;
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = count, .user = &hits};
  long (*sum)(long);
  sighook_hook hook;
  void *library;

  pthread_mutex_lock(&lock);
  library = dlopen(LATE_LIBRARY, random_next(chance) % 2 ? RTLD_NOW : RTLD_LAZY);
  SOAK_REQUIRE(library);
  sum = (long (*)(long))dlsym(library, "late_sum");
  spec.address = (uintptr_t)sum;
  spec.flags = random_next(chance) % 4 ? 0 : SIGHOOK_FORCE_TRAP;
  hits = 0;
  SOAK_REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  SOAK_REQUIRE(sum(1) == 19 && sum(2) == 22 && sighook_remove(hook) == SIGHOOK_OK);
  dlclose(library);
  pthread_mutex_unlock(&lock);
}

void soak_run(uint64_t *chance)
{
  static const struct {
    void (*run)(uint64_t *chance);
    unsigned weight;
  } steps[] = {{call_targets, 300}, {soak_run_cpp, 120}, {call_patched, 100}, {fault, 60},      {trap, 20},
               {jump, 60},          {short_thread, 8},   {late_library, 4},   {fork_child, 2}, {vfork_child, EMULATED ? 0 : 2}};
  unsigned all = 0, drawn, i;

  for (i = 0; i < sizeof steps / sizeof *steps; i++)
    all += steps[i].weight;
  drawn = (unsigned)(random_next(chance) % all);
  for (i = 0; drawn >= steps[i].weight; i++)
    drawn -= steps[i].weight;
  steps[i].run(chance);
}
