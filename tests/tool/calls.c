/* A program that calls tick() as often as it is told, in every way that could lose calls.
 *   calls WAY N: tick() N times, and then as WAY says */
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
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

static void run_timed(long count)
{
  struct timespec start, end;

  clock_gettime(CLOCK_MONOTONIC, &start);
  repeat(count);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%ld\n", (end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec - start.tv_nsec);
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

/* One child after the other, each ticking once. */
static void run_many(long count)
{
  for (long i = 0; i < count; i++) {
    pid_t child = fork();

    if (child == 0) {
      tick();
      _exit(0);
    }
    if (wait_for(child) != 0)
      abort();
  }
}

static void run_again(char *program, char *count, int way)
{
  char *arguments[] = {program, (char *)"plain", count, NULL};
  pid_t child = 0;

  if (way == 'e')
    execv(program, arguments);
  if (way == 's' && posix_spawn(&child, program, NULL, NULL, arguments, environ) != 0)
    abort();
  if (way == 'f')
    fexecve(open(program, O_RDONLY | O_CLOEXEC), arguments, environ);
  if (way == 'a')
    execveat(AT_FDCWD, program, arguments, environ, 0);
  if (way == 'v' && (child = vfork()) == 0) {
    execve(program, arguments, environ);
    _exit(1);
  }
  if (wait_for(child) != 0)
    abort();
}

/* The types of the entries behind the environment, found by walking: all but what says to be ignored. */
static void show_vectors(void)
{
  const unsigned long *at = (const unsigned long *)environ;

  while (*at++)
    ;
  for (; at[0]; at += 2)
    if (at[0] != AT_IGNORE)
      printf("%lu ", at[0]);
}

int main(int argc, char **argv)
{
  const char *way = argc > 1 ? argv[1] : "plain";
  long count = argc > 2 ? atol(argv[2]) : 1;

  if (strcmp(way, "timed") == 0) {
    run_timed(count);
    return 0;
  }
  if (strcmp(way, "many") == 0) {
    run_many(count);
    return 0;
  }
  repeat(count);
  if (strcmp(way, "threads") == 0)
    run_threads(count);
  else if (strcmp(way, "fork") == 0)
    run_forks(count, 0);
  else if (strcmp(way, "fork-threads") == 0) {
    run_threads(count);
    run_forks(count, 1);
  } else if (strcmp(way, "exec") == 0 || strcmp(way, "spawn") == 0 || strcmp(way, "vfork") == 0 ||
             strcmp(way, "fexec") == 0 || strcmp(way, "at") == 0)
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
  else if (strcmp(way, "vectors") == 0)
    show_vectors();
  else if (strcmp(way, "group") == 0) {
    printf("%d\n", getpgrp());
    return 0;
  }
  if (count < 0)
    tock();
  printf("%ld\n", ticks);
  return 0;
}
