/* Ways of control that are not calls and returns: jumps, contexts, signals. */
#define _GNU_SOURCE
#include "work.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK = 1 << 18, TURNS = 5 };

static sigjmp_buf out_of_handler;
static jmp_buf back;
static ucontext_t home, away;
static volatile long turns, seen;

static __attribute__((noinline)) void jump_back(void)
{
  longjmp(back, 3);
}

static void jump_out(int number)
{
  siglongjmp(out_of_handler, number);
}

long work_jumps(void)
{
  struct sigaction action = {.sa_handler = jump_out};
  sigset_t mask;
  volatile long sum = 0;
  int by;

  by = setjmp(back);
  sum += by;
  if (by == 0)
    jump_back();
  sigaction(SIGUSR1, &action, NULL);
  by = sigsetjmp(out_of_handler, 1);
  sum += 10 * by;
  if (by == 0)
    raise(SIGUSR1);
  sigprocmask(SIG_BLOCK, NULL, &mask);
  return sum * 10 + sigismember(&mask, SIGUSR1);
}

static void take_turns(void)
{
  while (turns < TURNS) {
    turns++;
    swapcontext(&away, &home);
  }
}

long work_contexts(void)
{
  char *stack = malloc(STACK);

  getcontext(&away);
  away.uc_stack.ss_sp = stack;
  away.uc_stack.ss_size = STACK;
  away.uc_link = &home;
  makecontext(&away, take_turns, 0);
  for (unsigned i = 0; i < TURNS; i++)
    swapcontext(&home, &away);
  swapcontext(&home, &away);            /* runs to its end, and comes back by the link */
  free(stack);
  return turns;
}

static void note(int number, siginfo_t *info, void *context)
{
  (void)context;
  seen = seen * 100 + number + (info->si_pid == getpid() ? 1 : 0);
}

long work_signals(void)
{
  struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  stack_t alternate = {.ss_sp = malloc(STACK), .ss_size = STACK};
  const struct timespec moment = {0, 1000};
  sigset_t mask, old, pending;

  sigaltstack(&alternate, NULL);
  sigaction(SIGUSR2, &action, NULL);
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  raise(SIGUSR2);
  sigprocmask(SIG_BLOCK, &mask, &old);
  kill(getpid(), SIGUSR2);
  sigpending(&pending);
  seen = seen * 10 + sigismember(&pending, SIGUSR2);
  sigsuspend(&old);
  sigprocmask(SIG_SETMASK, &old, NULL);
  nanosleep(&moment, NULL);
  alternate.ss_flags = SS_DISABLE;
  sigaltstack(&alternate, NULL);
  signal(SIGUSR2, SIG_DFL);
  free(alternate.ss_sp);
  return seen;
}
