/* Processes: each way to make one. */
#define _GNU_SOURCE
#include "work.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 1 << 18 };

static long await(pid_t child)
{
  int status;

  return child < 0 || waitpid(child, &status, 0) != child ? 2000 : work_status(status);
}

static long sum(const long *found, unsigned count)
{
  long all = 0;

  for (unsigned i = 0; i < count; i++) {
    if (found[i] == WORK_TRAPPED)
      return WORK_TRAPPED;
    all = all * 100 + found[i];
  }
  return all;
}

static int parents, children, before;

static void count_before(void)
{
  before++;
}

static void count_parent(void)
{
  parents++;
}

static void count_child(void)
{
  children++;
}

long work_forks(void)
{
  long found[2];
  pid_t child;

  pthread_atfork(count_before, count_parent, count_child);
  child = fork();
  if (child == 0)
    _exit(10 + children);
  found[0] = await(child);
  child = _Fork();
  if (child == 0)
    _exit(20 + children);
  found[1] = await(child);
  return sum(found, 2) == WORK_TRAPPED ? WORK_TRAPPED : sum(found, 2) * 100 + before * 10 + parents;
}

long work_vfork(void)
{
  static char *const arguments[] = {LEAF, "30", NULL};
  volatile long calls = 0;
  long found[2];
  pid_t child = vfork();

  if (child == 0) {
    calls++;
    execve(LEAF, arguments, environ);
    _exit(99);
  }
  found[0] = await(child);
  child = vfork();
  if (child == 0) {
    execve("/no/such/program", arguments, environ);
    _exit(errno);
  }
  found[1] = await(child);
  return sum(found, 2) == WORK_TRAPPED ? WORK_TRAPPED : sum(found, 2) * 10 + calls;
}

static int cloned(void *argument)
{
  *(volatile int *)argument = 5;
  return 40;
}

long work_clone(void)
{
  volatile int shared = 0;
  char *stack = malloc(STACK);
  long found[2];

  found[0] = await(clone(cloned, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)&shared));
  found[1] = await(clone(cloned, stack + STACK, SIGCHLD, (void *)&shared));
  free(stack);
  return sum(found, 2) == WORK_TRAPPED ? WORK_TRAPPED : sum(found, 2) * 10 + shared;
}

long work_spawn(void)
{
  static char *const arguments[] = {LEAF, "50", NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  long found[2];
  pid_t child;
  sigset_t all;

  sigfillset(&all);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 2, 7);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  found[0] = posix_spawn(&child, LEAF, &actions, &attributes, arguments, environ) == 0 ? await(child) : 3000;
  found[1] = posix_spawnp(&child, "no-such-program", NULL, NULL, arguments, environ);
  if (found[1] == 0)
    found[1] = await(child);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return sum(found, 2);
}

long work_shell(void)
{
  char line[32] = "";
  long found[2];
  FILE *pipe;

  found[0] = work_status(system("exit 60"));
  pipe = popen("echo 61", "r");
  if (!pipe || !fgets(line, sizeof line, pipe))
    line[0] = '\0';
  found[1] = pipe ? work_status(pclose(pipe)) : 4000;
  return sum(found, 2) == WORK_TRAPPED || !*line ? WORK_TRAPPED : sum(found, 2) * 100 + atol(line);
}
