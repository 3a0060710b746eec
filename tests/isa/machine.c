#include "machine.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  STEPS_MAX = 300
};

struct component machine_components[8];
size_t machine_xstate_size;

static pid_t child;
static struct state initial;

static bool map_region(uint64_t address, size_t size, int protection)
{
  void *want = (void *)(uintptr_t)address;
  return mmap(want, size, protection, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == want;
}

static bool map_regions(void)
{
  static bool mapped;
  const int code = PROT_READ | PROT_WRITE | PROT_EXEC, data = PROT_READ | PROT_WRITE;
  if (!mapped)
    mapped = map_region(CODE_ORIGINAL, CODE_SIZE, code) && map_region(CODE_NEAR, CODE_SIZE, code) &&
             map_region(CODE_FAR, CODE_SIZE, code) && map_region(SCRATCH, DATA_SIZE, data) &&
             map_region(STACK, DATA_SIZE, data);
  return mapped;
}

static void learn_components(void)
{
  uint64_t present;
  memcpy(&present, initial.xstate + 464, sizeof present); /* the kernel's copy of xcr0, in the software bytes */
  for (unsigned i = 2; i < 8; i++) {
    unsigned size, offset, ecx, edx;
    if (present >> i & 1 && __get_cpuid_count(0xD, i, &size, &offset, &ecx, &edx))
      machine_components[i] = (struct component){offset, size};
  }
}

static bool get_state(struct state *state)
{
  struct iovec io = {state->xstate, sizeof state->xstate};
  if (ptrace(PTRACE_GETREGS, child, NULL, &state->regs) != 0 ||
      ptrace(PTRACE_GETREGSET, child, (void *)NT_X86_XSTATE, &io) != 0)
    return false;
  machine_xstate_size = io.iov_len;
  return true;
}

static bool set_state(const struct state *state)
{
  struct iovec io = {(void *)state->xstate, machine_xstate_size};
  return ptrace(PTRACE_SETREGS, child, NULL, &state->regs) == 0 &&
         ptrace(PTRACE_SETREGSET, child, (void *)NT_X86_XSTATE, &io) == 0;
}

bool machine_start(void)
{
  if (!map_regions())
    return false;
  child = fork();
  if (child < 0)
    return false;
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
      raise(SIGSTOP);
    _exit(1);
  }
  int status;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) || !get_state(&initial))
    return false;
  initial.regs.orig_rax = UINT64_MAX; /* not in a system call that could be restarted */
  learn_components();
  return true;
}

void machine_stop(void)
{
  if (child > 0) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  child = 0;
}

const struct state *machine_initial(void)
{
  return &initial;
}

/* A stop that is not one of our single steps: a signal that the code raised. */
static bool note_signal(int signal, struct outcome *outcome)
{
  siginfo_t info;
  if (ptrace(PTRACE_GETSIGINFO, child, NULL, &info) != 0)
    return false;
  if (signal == SIGTRAP && info.si_code == TRAP_TRACE)
    return false;
  outcome->signal = signal;
  outcome->code = info.si_code;
  if (signal == SIGSEGV || signal == SIGBUS)
    outcome->address = (uint64_t)(uintptr_t)info.si_addr;
  return true;
}

bool machine_run(const struct state *start, uint64_t pc, size_t size, bool one_step, struct outcome *outcome)
{
  static struct state entry;
  entry = *start;
  entry.regs.rip = pc;
  memset(outcome, 0, sizeof *outcome);
  if (!set_state(&entry))
    return false;
  while (outcome->steps++ < STEPS_MAX) {
    int status;
    struct user_regs_struct regs;
    if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0 || waitpid(child, &status, 0) != child)
      return false;
    if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, child, NULL, &regs) != 0)
      return false;
    bool over = note_signal(WSTOPSIG(status), outcome) || one_step || regs.rip - pc >= size;
    if (over)
      return get_state(&outcome->state);
  }
  return false;
}
