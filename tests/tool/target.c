/* Calls counted_function a known number of times in every way a process can run and end: see programs_test.sh. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

long counted_function(long value);
__attribute__((noinline)) long counted_function(long value)
{
  __asm__ volatile("");
  return value + 1;
}

static void call(long times)
{
  for (volatile long i = 0; i < times; i++)
    counted_function(i);
}

static void *in_thread(void *data)
{
  call(250);
  return data;
}

static int run_threads(void)
{
  pthread_t threads[4];

  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], NULL, in_thread, NULL);
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  return 0;
}

static int run_fork(void)
{
  call(400);
  if (fork() == 0) {
    call(600);
    _exit(0);
  }
  wait(NULL);
  return 0;
}

int main(int argc, char **argv)
{
  const char *way = argc > 1 ? argv[1] : "plain";

  if (strcmp(way, "threads") == 0)
    return run_threads();
  if (strcmp(way, "fork") == 0)
    return run_fork();
  call(1000);
  if (strcmp(way, "exec") == 0)
    execl("/proc/self/exe", argv[0], "plain", (char *)NULL);
  if (strcmp(way, "_exit") == 0)
    _exit(7);
  if (strcmp(way, "kill") == 0)
    raise(SIGKILL);
  puts("out");
  fputs("err\n", stderr);
  return 3;
}
