#define _GNU_SOURCE
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "system_call.h"
#include "require.h"

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define REFUSE(reason) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)(reason))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void install(struct sock_filter *code, size_t count)
{
  struct sock_fprog program = {(unsigned short)count, code};

  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

void filter_refuse(long number, int reason)
{
  filter_refuse_where(number, 0, 0, 0, reason);
}

void filter_refuse_where(long number, unsigned argument, uint32_t mask, uint32_t value, int reason)
{
  struct sock_filter code[] = {
      LOAD(nr),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 4),
      LOAD(args[argument]),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
      REFUSE(reason),
      ALLOW,
  };

  install(code, sizeof code / sizeof *code);
}

static const char *refused_path;
static int refused_reason;

/* A filter sees no strings: it hands the call over, and what it allows is done by another call. */
static void on_openat(int number, siginfo_t *info, void *ucontext)
{
  uint64_t arguments[4];
  struct open_how how = {0};
  long result = -refused_reason;

  (void)number;
  (void)info;
  machine_arguments(ucontext, arguments);
  how.flags = (uint32_t)arguments[2];
  how.mode = how.flags & O_CREAT ? arguments[3] : 0;
  if (strcmp((const char *)arguments[1], refused_path) != 0) {
    result = syscall(SYS_openat2, (int)arguments[0], (const char *)arguments[1], &how, sizeof how);
    result = result < 0 ? -errno : result;
  }
  machine_set_result(ucontext, result);
}

void filter_refuse_path(const char *path, int reason)
{
  struct sock_filter code[] = {
      LOAD(nr),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      ALLOW,
  };
  struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_openat};

  refused_path = path;
  refused_reason = reason;
  REQUIRE(sigaction(SIGSYS, &action, NULL) == 0);
  install(code, sizeof code / sizeof *code);
}
