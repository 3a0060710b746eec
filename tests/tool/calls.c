/* A program that calls tick() as often as it is told, in every way that could lose calls.
 *   calls WAY N: tick() N times, and then as WAY says */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { THREADS = 8, CHILDREN = 3 };

static volatile long ticks;

__attribute__((noinline)) void tick(void)
{
  ticks = ticks + 1;
}

__attribute__((noinline)) void tock(void)
{
  ticks = ticks - 1;
}

static void repeat(long count)
{
  for (long i = 0; i < count; i++)
    tick();
}

static void *repeat_in_thread(void *count)
{
  repeat(*(long *)count);
  return NULL;
}

static void run_threads(long count)
{
  pthread_t threads[THREADS];

  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, repeat_in_thread, &count) != 0)
      abort();
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
}

static int wait_for(pid_t child)
{
  int status = 0;

  if (child < 0 || waitpid(child, &status, 0) != child)
    abort();
  return status;
}

/* Children at the same time as their parent, each ticking as often. */
static void run_forks(long count, int threads_too)
{
  pid_t children[CHILDREN];

  for (int i = 0; i < CHILDREN; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      repeat(count);
      if (threads_too)
        run_threads(count);
      _exit(0);
    }
  }
  repeat(count);
  for (int i = 0; i < CHILDREN; i++)
    if (wait_for(children[i]) != 0)
      abort();
}

static void run_again(char *program, char *count, int way)
{
  char *arguments[] = {program, (char *)"plain", count, NULL};
  pid_t child = 0;

  if (way == 'e')
    execv(program, arguments);
  if (way == 's' && posix_spawn(&child, program, NULL, NULL, arguments, environ) != 0)
    abort();
  if (way == 'v' && (child = vfork()) == 0) {
    execve(program, arguments, environ);
    _exit(1);
  }
  if (wait_for(child) != 0)
    abort();
}

int main(int argc, char **argv)
{
  const char *way = argc > 1 ? argv[1] : "plain";
  long count = argc > 2 ? atol(argv[2]) : 1;

  repeat(count);
  if (strcmp(way, "threads") == 0)
    run_threads(count);
  else if (strcmp(way, "fork") == 0)
    run_forks(count, 0);
  else if (strcmp(way, "fork-threads") == 0) {
    run_threads(count);
    run_forks(count, 1);
  } else if (strcmp(way, "exec") == 0 || strcmp(way, "spawn") == 0 || strcmp(way, "vfork") == 0)
    run_again(argv[0], argv[2], way[0]);
  else if (strcmp(way, "_exit") == 0)
    _exit(3);
  else if (strcmp(way, "exit") == 0)
    exit(7);
  else if (strcmp(way, "kill") == 0)
    kill(getpid(), SIGKILL);
  else if (strcmp(way, "segv") == 0)
    *(volatile char *)(uintptr_t)ticks = 0;
  else if (strcmp(way, "abort") == 0)
    abort();
  if (count < 0)
    tock();
  printf("%ld\n", ticks);
  return 0;
}
