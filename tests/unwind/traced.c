#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "traced.h"

#include <elf.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>
#include "traced_machine.h"

/* ---- the child ---- */

static struct way *shared;

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *step_)
{
  struct step *step = step_;
  uintptr_t pc = _Unwind_GetIP(context);

  if (step->frames || pc == step->pc)          /* the handler's own are left out */
    step->callers[step->frames++] = pc;
  return step->frames < FRAMES_MAX ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void look(int number, siginfo_t *info, void *ucontext)
{
  struct step *step = &shared->steps[shared->count++];
  static ucontext_t copy;

  (void)number;
  (void)info;
  step->pc = machine_pc_of(ucontext);
  step->original_pc = sighook_original_pc(step->pc);
  memcpy(&copy, ucontext, sizeof copy);
  sighook_fix_context(&copy);
  machine_context(&copy, &step->context);
  _Unwind_Backtrace(note_frame, step);
  MACHINE_BREAKPOINT();
}

static __attribute__((noinline)) void call_is_over(void)
{
  __asm__ volatile("" ::: "memory");
}

static _Noreturn void run(const void *function)
{
  struct sigaction action = {.sa_sigaction = look, .sa_flags = SA_SIGINFO | SA_NODEFER};

  sigaction(SIGUSR1, &action, NULL);
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  raise(SIGSTOP);
  shared->result = call_filled(function);
  shared->ended = true;
  call_is_over();
  _exit(0);
}

/* ---- the tracer ---- */

struct registers {
  struct user_regs_struct general;
  uint8_t vectors[1024];
};

static void transfer(pid_t child, unsigned request, uintptr_t set, void *memory, size_t size)
{
  struct iovec part = {memory, size};

  assert_int_equal(ptrace(request, child, (void *)set, &part), 0);
}

static void get(pid_t child, struct registers *registers)
{
  transfer(child, PTRACE_GETREGSET, NT_PRSTATUS, &registers->general, sizeof registers->general);
}

/* Lets the signal come and its handler look, then puts everything back. */
static void interrupt(pid_t child, struct registers *registers)
{
  int status;
  struct iovec vectors = {registers->vectors, sizeof registers->vectors};

  assert_int_equal(ptrace(PTRACE_GETREGSET, child, (void *)NT_PRFPREG, &vectors), 0);
  assert_int_equal(ptrace(PTRACE_CONT, child, 0, SIGUSR1), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
    fail_msg("the handler died at pc %#lx: %#x", (unsigned long)machine_pc(&registers->general), status);
  transfer(child, PTRACE_SETREGSET, NT_PRSTATUS, &registers->general, sizeof registers->general);
  assert_int_equal(ptrace(PTRACE_SETREGSET, child, (void *)NT_PRFPREG, &vectors), 0);
}

static void wait_stopped(pid_t child, int *status)
{
  assert_int_equal(waitpid(child, status, 0), child);
}

/* A signal of the library's own to be passed on with the next step, or 0. */
static int step(pid_t child, int pass)
{
  siginfo_t info = {0};
  int status;

  assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, 0, pass), 0);
  wait_stopped(child, &status);
  if (!WIFSTOPPED(status))
    fail_msg("the child ended: %#x", status);
  ptrace(PTRACE_GETSIGINFO, child, 0, &info);
  if (info.si_signo == SIGTRAP)
    return info.si_code == MACHINE_TRAP_CODE ? SIGTRAP : 0;
  if (info.si_signo != SIGILL || info.si_code <= 0)
    fail_msg("signal %d", info.si_signo);
  return SIGILL;
}

struct way *traced_way(void)
{
  return mmap(NULL, sizeof(struct way), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void traced_call(const void *function, bool (*wanted)(uintptr_t pc), struct way *way)
{
  struct registers registers;
  int status, pass = 0;
  bool inside = false;
  pid_t child;

  shared = way;
  memset(way, 0, sizeof *way);
  child = fork();
  if (child == 0)
    run(function);
  wait_stopped(child, &status);
  for (;;) {
    pass = step(child, pass);
    get(child, &registers);
    inside |= machine_pc(&registers.general) == (uintptr_t)function;
    if (machine_pc(&registers.general) == (uintptr_t)call_is_over)
      break;
    if (inside && !pass && wanted(machine_pc(&registers.general)) && way->count < STEPS_MAX)
      interrupt(child, &registers);
  }
  kill(child, SIGKILL);
  wait_stopped(child, &status);
  assert_true(way->ended);
}
