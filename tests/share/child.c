#define _GNU_SOURCE
#include "child.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int status_of_child(void (*work)(void))
{
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};
  int status = -1;
  pid_t child;

  fflush(stdout);
  child = fork();
  if (child == 0) {
    for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; i++)
      signal(fatal[i], SIG_DFL);       /* cmocka's handlers would go on with the tests, in the child */
    work();
    fflush(stdout);
    _exit(0);
  }
  return waitpid(child, &status, 0) == child ? status : -1;
}

bool in_child(void (*work)(void))
{
  int status = status_of_child(work);

  if (WIFSIGNALED(status))
    fprintf(stderr, "killed by signal %d\n", WTERMSIG(status));
  return status == 0;
}

bool child_is_killed_by(int signal_number, void (*work)(void))
{
  int status = status_of_child(work);

  return WIFSIGNALED(status) && WTERMSIG(status) == signal_number;
}
