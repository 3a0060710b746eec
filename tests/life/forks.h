/* Children of every kind, and what they hit. */
#ifndef TESTS_LIFE_FORKS_H
#define TESTS_LIFE_FORKS_H

#include "life.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "stacks.h"

#pragma weak _Fork
pid_t _Fork(void);

enum { STUCK_S = 60 };

static __attribute__((noinline)) long another(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

static long (*volatile call_another)(long) = another;
static _Atomic long hits;

static inline void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  atomic_fetch_add(&hits, 1);
}

/* ---- ways to make a child ---- */

enum way { BY_FORK, BY_CLONE, BY_LIBC_WITHOUT_HANDLERS, WAYS };

static inline pid_t make_child(enum way way)
{
  pid_t child;

  if (way == BY_FORK || (way == BY_LIBC_WITHOUT_HANDLERS && !_Fork))
    child = fork();
  else if (way == BY_LIBC_WITHOUT_HANDLERS)
    child = _Fork();
  else
    child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  REQUIRE(child >= 0);
  if (child == 0)
    alarm(STUCK_S);                   /* one that is stuck shall be seen to be */
  return child;
}

static inline void require_ended_well(pid_t child)
{
  int status = -1;

  REQUIRE(waitpid(child, &status, 0) == child);
  if (status)
    fprintf(stderr, "a child ended with %#x\n", (unsigned)status);
  REQUIRE(status == 0);
}

static inline void require_hit(long (*function)(long), long times)
{
  long before = atomic_load(&hits);

  REQUIRE(function(1) == 2 && atomic_load(&hits) == before + times);
}

#endif
