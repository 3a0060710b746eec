/* Threads with a shadow stack, or whose indirect branches are tracked: no hook may be installed, since a stub's returns and an entry in
 * a landing pad's place would not agree with it. Few kernels have either, so the kernel's answer is given by this program: its filter
 * hands that one system call to a handler of SIGSYS. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include "live.h"
#include "shadow_stack.h"

static uint64_t told = 1;
static unsigned check;

static long plus_one(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

static void answer(int number, siginfo_t *info, void *ucontext)
{
  (void)number;
  (void)info;
  *(uint64_t *)shadow_stack_argument(ucontext) = told;
  shadow_stack_set_result(ucontext, 0);
}

static int filter_the_question(void)
{
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SHADOW_STACK_CALL, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, checks[check].question, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = answer};

  sigaction(SIGSYS, &action, NULL);
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

enum { SKIPPED = 77 };

static int refused_by_name(sighook_status status)
{
  sighook_error error = {.size = sizeof error};

  return status == SIGHOOK_UNSUPPORTED && sighook_last_error(&error) == SIGHOOK_OK &&
         strstr(error.message, checks[check].name) != NULL;
}

/* In a child, whose filter goes with it. */
static int run_with_shadow_stack(void)
{
  sighook_spec spec = probe(plus_one, count, 0);
  sighook_info info = {.size = sizeof info};
  sighook_hook early, late;

  if (sighook_install(&spec, &early) != SIGHOOK_OK)
    return 1;
  if (filter_the_question())
    return SKIPPED;
  spec.address = (uintptr_t)filter_the_question;
  if (!refused_by_name(sighook_install(&spec, &late)) || !refused_by_name(sighook_check(&spec, &info)))
    return 2;
  if (sighook_remove(early) != SIGHOOK_OK || plus_one(1) != 2)    /* what was there can go */
    return 3;
  told = 0;
  return sighook_install(&spec, &late) == SIGHOOK_OK ? 0 : 4;
}

static void refuse_by_name(void)
{
  int status;
  pid_t child = fork();

  if (child == 0)
    _exit(run_with_shadow_stack());
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == SKIPPED)
    skip();
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void hooks_are_refused_by_name_where_branches_are_checked(void **state)
{
  (void)state;
  for (check = 0; check < sizeof checks / sizeof *checks; check++)
    refuse_by_name();
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(hooks_are_refused_by_name_where_branches_are_checked)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
