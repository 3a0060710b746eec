/* A program that looks at its signals in every way that could show somebody else's traps: masks, handlers, what is sent, what
 * children inherit. It prints what it finds, which is the same whoever traps.
 *   signals WAY */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include "sets.h"

long fault_illegal(void), fault_breakpoint(void);
extern char **environ;

static const int watched[] = {SIGILL, SIGTRAP, SIGSEGV, SIGUSR1};
enum { WATCHED = sizeof watched / sizeof watched[0] };

static void tell_result(const char *what, long result)
{
  printf("%s: %ld, %d\n", what, result, result < 0 ? errno : 0);
}

static const char *members(const sigset_t *set)
{
  return members_of(set, watched, "itsu");
}

static void show_mask(const char *when)
{
  sigset_t set;

  pthread_sigmask(SIG_BLOCK, NULL, &set);
  printf("%s: %s\n", when, members(&set));
}

/* ---- masks ---- */

static void *show_in_thread(void *when)
{
  show_mask(when);
  return NULL;
}

static void run_mask(void)
{
  sigset_t all, old, traps = set_of(SIGTRAP), illegal = set_of(SIGILL);
  pthread_t thread;

  sigfillset(&all);
  show_mask("at first");
  sigprocmask(SIG_BLOCK, &traps, NULL);
  show_mask("one blocked");
  pthread_sigmask(SIG_BLOCK, &illegal, &old);
  printf("before that: %s\n", members(&old));
  show_mask("two blocked");
  pthread_create(&thread, NULL, show_in_thread, "in a thread");
  pthread_join(thread, NULL);
  syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &traps, &traps, 8);
  printf("read into the same set: %s\n", members(&traps));
  sigprocmask(SIG_SETMASK, &all, &old);
  show_mask("all blocked");
  tell_result("a bad set", syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, 0, 8));
  tell_result("a bad old set", syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, 8, 8));
  tell_result("a bad size", syscall(SYS_rt_sigprocmask, SIG_BLOCK, &old, 0, 4));
  printf("a bad how: %d\n", pthread_sigmask(77, &old, NULL));
  sigprocmask(SIG_SETMASK, &old, NULL);
  show_mask("as before");
}

/* ---- handlers ---- */

static volatile sig_atomic_t handled;
static char alternate[65536];

static const char *stack_of(const void *here)
{
  return (const char *)here >= alternate && (const char *)here < alternate + sizeof alternate ? "the alternate" : "the usual";
}

static void tell(int number, siginfo_t *info, void *ucontext)
{
  sigset_t set;

  handled++;
  pthread_sigmask(SIG_BLOCK, NULL, &set);
  printf("  handler of %d, code %d, blocked now %s", number, info->si_code, members(&set));
  printf(", before %s, on %s stack\n", members(&((ucontext_t *)ucontext)->uc_sigmask), stack_of(&set));
}

static void tell_number(int number)
{
  handled++;
  printf("  plain handler of %d, on %s stack\n", number, stack_of(&number));
}

static void show_action(int number, const struct sigaction *action)
{
  const char *handler = action->sa_sigaction == tell ? "tell" : action->sa_handler == tell_number ? "tell_number"
                        : action->sa_handler == SIG_IGN ? "ignored" : action->sa_handler == SIG_DFL ? "default" : "another";

  printf("%d: %s, flags %x, mask %s\n", number, handler, action->sa_flags & ~0x04000000, members(&action->sa_mask));
}

static void show_present(int number)
{
  struct sigaction action;

  sigaction(number, NULL, &action);
  show_action(number, &action);
}

static void set_handler(int number, int flags, int masked)
{
  struct sigaction action = {.sa_flags = flags, .sa_mask = set_of(masked)}, old;

  if (flags & SA_SIGINFO)
    action.sa_sigaction = tell;
  else
    action.sa_handler = tell_number;
  tell_result("set", sigaction(number, &action, &old));
  printf("was ");
  show_action(number, &old);
  show_present(number);
}

static void run_actions(void)
{
  static const int flags[] = {SA_SIGINFO, 0, SA_SIGINFO | SA_NODEFER, SA_SIGINFO | SA_ONSTACK | SA_RESTART, SA_RESETHAND | SA_SIGINFO};
  const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};

  sigaltstack(&stack, NULL);
  for (int i = 0; i < WATCHED; i++) {
    for (size_t j = 0; j < sizeof flags / sizeof flags[0]; j++) {
      set_handler(watched[i], flags[j], watched[(i + 1) % WATCHED]);
      raise(watched[i]);
      show_present(watched[i]);
      show_mask("afterwards");
    }
    signal(watched[i], SIG_IGN);
    show_present(watched[i]);
    raise(watched[i]);
    signal(watched[i], SIG_DFL);
    show_present(watched[i]);
  }
  tell_result("SIGKILL", sigaction(SIGKILL, &(struct sigaction){.sa_handler = tell_number}, NULL));
  tell_result("no signal", syscall(SYS_rt_sigaction, 65, 0, 0, 8));
  tell_result("a bad action", syscall(SYS_rt_sigaction, SIGTRAP, 8, 0, 8));
  tell_result("a bad old action", syscall(SYS_rt_sigaction, SIGTRAP, 0, 8, 8));
}

/* ---- sent while blocked ---- */

static void run_pending(void)
{
  for (int i = 0; i < 2; i++) {
    int number = watched[i], taken;
    sigset_t set = set_of(number), none = set_of(0), pending;
    siginfo_t info;

    set_handler(number, SA_SIGINFO, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(number);
    raise(number);
    sigpending(&pending);
    printf("pending %s, handled %d\n", members(&pending), handled);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigpending(&pending);
    printf("pending %s, handled %d\n", members(&pending), handled);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), number);
    tell_result("waited for", sigwait(&set, &taken));
    printf("taken %d\n", taken);
    tell_result("no more", sigtimedwait(&set, &info, &(struct timespec){0}));
    sigqueue(getpid(), number, (union sigval){.sival_int = 17});
    tell_result("waited for", sigwaitinfo(&set, &info));
    printf("code %d, value %d\n", info.si_code, info.si_value.sival_int);
    raise(number);
    tell_result("suspended", sigsuspend(&none));
    printf("handled %d\n", handled);
    show_mask("afterwards");
    raise(number);
    signal(number, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("ignored at last, handled %d\n", handled);
    signal(number, SIG_DFL);
  }
}

/* ---- children ---- */

static void show_inherited(const char *when)
{
  show_mask(when);
  for (int i = 0; i < WATCHED; i++)
    show_present(watched[i]);
  fflush(stdout);
}

static void wait_for(const char *what, pid_t child)
{
  int status = 0;

  waitpid(child, &status, 0);
  printf("%s: status %#x\n", what, status);
  show_inherited("the parent");
}

static void run_children(char *program)
{
  char *arguments[] = {program, (char *)"inherited", NULL};
  sigset_t blocked = set_of(SIGTRAP), other = set_of(SIGILL), fallen = set_of(SIGTRAP);
  posix_spawnattr_t attributes;
  pid_t child;

  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  signal(SIGILL, SIG_IGN);
  set_handler(SIGTRAP, SA_SIGINFO, SIGILL);
  fflush(stdout);
  child = fork();
  if (child == 0) {
    show_inherited("a forked child");
    execv(program, arguments);
  }
  wait_for("forked", child);
  child = vfork();
  if (child == 0) {
    sigprocmask(SIG_SETMASK, &other, NULL);
    signal(SIGTRAP, SIG_IGN);
    signal(SIGILL, SIG_DFL);
    execv("/no/such/program", arguments);
    execv(program, arguments);
  }
  wait_for("vforked", child);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attributes, &other);
  posix_spawnattr_setsigdefault(&attributes, &fallen);
  posix_spawn(&child, program, NULL, &attributes, arguments, environ);
  wait_for("spawned with attributes", child);
  posix_spawn(&child, program, NULL, NULL, arguments, environ);
  wait_for("spawned", child);
  printf("system: %d\n", system("exit 3"));
  show_inherited("after system");
}

/* ---- traps of its own ---- */

static void end_by(const char *what, int number, int how, long (*fault)(void))
{
  sigset_t set = set_of(number);
  pid_t child;

  fflush(stdout);
  child = fork();
  if (child == 0) {
    if (how == 'b')
      sigprocmask(SIG_BLOCK, &set, NULL);
    if (how == 'h')
      signal(number, tell_number);
    if (how == 'i')
      signal(number, SIG_IGN);
    if (fault)
      _exit((int)fault());
    raise(number);
    _exit(77);
  }
  wait_for(what, child);
}

static void run_ends(void)
{
  end_by("a breakpoint", SIGTRAP, 0, fault_breakpoint);
  end_by("a breakpoint, blocked", SIGTRAP, 'b', fault_breakpoint);
  end_by("a breakpoint, ignored", SIGTRAP, 'i', fault_breakpoint);
  end_by("no instruction", SIGILL, 0, fault_illegal);
  end_by("no instruction, blocked", SIGILL, 'b', fault_illegal);
  end_by("no instruction, ignored", SIGILL, 'i', fault_illegal);
  for (int i = 0; i < 2; i++) {
    end_by("sent", watched[i], 0, NULL);
    end_by("sent, blocked", watched[i], 'b', NULL);
    end_by("sent, ignored", watched[i], 'i', NULL);
  }
}

int main(int argc, char **argv)
{
  const char *way = argc > 1 ? argv[1] : "";

  setvbuf(stdout, NULL, _IONBF, 0);

  if (strcmp(way, "mask") == 0)
    run_mask();
  else if (strcmp(way, "actions") == 0)
    run_actions();
  else if (strcmp(way, "pending") == 0)
    run_pending();
  else if (strcmp(way, "inherited") == 0)
    show_inherited("inherited");
  else if (strcmp(way, "children") == 0)
    run_children(argv[0]);
  else if (strcmp(way, "ends") == 0)
    run_ends();
  else
    return 1;
  return 0;
}
