#define _GNU_SOURCE
#include "looks.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include "hooks.h"

static void (*look_at)(void);
static uintptr_t from, to;

/* Byte by byte: the kernel may copy them so. By a call that is not looked into. */
static greg_t write_and_look(int descriptor, const uint8_t *bytes, size_t size, off_t at)
{
  for (size_t i = 0; i < size; i++) {
    struct iovec byte = {(void *)(bytes + i), 1};

    REQUIRE(pwritev(descriptor, &byte, 1, at + (off_t)i) == 1);
    look_at();
  }
  return (greg_t)size;
}

static greg_t protect_and_look(uintptr_t address, size_t size, int protection)
{
  long failed;

  look_at();
  if (address < to && address + size > from && protection == (PROT_READ | PROT_WRITE | PROT_EXEC))
    return -EACCES;
  failed = syscall(SYS_pkey_mprotect, address, size, protection, -1);
  look_at();
  return failed ? -errno : 0;
}

/* In place of the system call. */
static void on_call(int number, siginfo_t *info, void *context)
{
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  int kept = errno;

  (void)number;
  if (info->si_syscall == SYS_pwrite64)
    registers[REG_RAX] = write_and_look((int)registers[REG_RDI], (const uint8_t *)registers[REG_RSI], (size_t)registers[REG_RDX],
                                        (off_t)registers[REG_R10]);
  else
    registers[REG_RAX] = protect_and_look((uintptr_t)registers[REG_RDI], (size_t)registers[REG_RSI], (int)registers[REG_RDX]);
  errno = kept;
}

void looks_begin(void (*look)(void), uintptr_t refused_from, uintptr_t refused_to)
{
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwrite64, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_call};

  look_at = look;
  from = refused_from;
  to = refused_to;
  sigaction(SIGSYS, &action, NULL);
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}
