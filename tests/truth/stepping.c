/* A child stepped by ptrace. */
#define _GNU_SOURCE
#include "stepping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include "stepping_machine.h"

static __attribute__((noinline)) void job_is_over(void)
{
  __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) unsigned long run_in_place(unsigned long (*job)(void))
{
  enum { PAGE = 4096 };
  volatile char *above = __builtin_alloca(((uintptr_t)__builtin_frame_address(0) & (PAGE - 1)) + PAGE);
  unsigned long answer = job();

  *above = 0;                         /* it is there until the job is over */
  return answer;
}

static _Noreturn void run(unsigned long (*job)(void), unsigned long *answer)
{
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  raise(SIGSTOP);
  *answer = run_in_place(job);
  job_is_over();
  _exit(0);
}

/* Both on one processor: a step takes a third of the time then. */
static cpu_set_t share_processor(pid_t child)
{
  cpu_set_t before, one;

  CPU_ZERO(&one);
  CPU_SET((size_t)sched_getcpu(), &one);
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  assert_int_equal(sched_setaffinity(child, sizeof one, &one), 0);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  return before;
}

/* To the next instruction; false where the child has ended. */
static bool step(pid_t child, int *status)
{
  assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, 0, 0), 0);
  assert_int_equal(waitpid(child, status, 0), child);
  return WIFSTOPPED(*status);
}

unsigned long step_through(unsigned long (*job)(void), void (*arrived)(uintptr_t address))
{
  unsigned long *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), answer;
  uintptr_t last = 0, pc = 0;
  bool inside = false;
  cpu_set_t processors;
  int status;
  pid_t child = fork();

  if (child == 0)
    run(job, shared);
  assert_int_equal(waitpid(child, &status, 0), child);
  processors = share_processor(child);
  while (pc != (uintptr_t)job_is_over && step(child, &status)) {
    pc = stepping_pc(child);
    inside |= pc == (uintptr_t)job;
    if (inside && pc != last)         /* `rep` stops at one pc many times, arm64's kernel twice behind a system call */
      arrived(pc);
    last = pc;
  }
  stepping_end(child);
  assert_int_equal(ptrace(PTRACE_CONT, child, 0, 0), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  sched_setaffinity(0, sizeof processors, &processors);
  answer = *shared;
  munmap(shared, sizeof *shared);
  return answer;
}
