/* A thread spins right behind a site of one byte: where it would be, too, had it just met a breakpoint there. SIGTRAP
 * that is sent to it then is the program's, and the thread goes on where it stood. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include "child.h"
#include "faults.h"
#include "live.h"
#include "patterns.h"

enum {
  ARGUMENT = 5,
  PAUSE = 1000,
  SPIN_NS = 5000000,
  WAITS_MAX = 3000
};

long spins(long);
extern const uint8_t spins_site[], spins_on[], spins_end[];
__asm__(".text\n\t.p2align 6\n\t.globl spins, spins_site, spins_on, spins_end\n"
        "\t.type spins, @function\nspins:\n\t.cfi_startproc\n\tmov %rdi, %rax\nspins_site:\n\tcld\nspins_on:\n\tjmp "
        "spins_on\n"
        "spins_end:\n\tlea 7(%rax), %rax\n\tret\n\t.cfi_endproc\n\t.size spins, . - spins\n");

static atomic_int received, arrived;

static void on_sent(int signal_number, siginfo_t *info, void *context)
{
  REQUIRE(signal_number == SIGTRAP && info->si_code <= 0 && signal_pc(context) == (uintptr_t)spins_on);
  signal_set_pc(context, (uintptr_t)spins_end);
  atomic_fetch_add(&received, 1);
}

static void note(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  atomic_fetch_add(&arrived, 1);
}

static sighook_hook install(uintptr_t address, uint32_t flags)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags, .address = address, .handler = note};
  sighook_hook hook;

  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  return hook;
}

/* Its last trap was a breakpoint: the kernel tells of it with every later signal. */
static void *trap_then_spin(void *unused)
{
  REQUIRE(adds_1234(1) == 1235);
  REQUIRE(spins(ARGUMENT) == ARGUMENT + 7);
  return unused;
}

static uint64_t nanoseconds_of(pthread_t thread)
{
  struct timespec time;
  clockid_t clock;

  REQUIRE(pthread_getcpuclockid(thread, &clock) == 0 && clock_gettime(clock, &time) == 0);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* By its own clock, which stands still while it waits for a processor. */
static void wait_till_it_spins(pthread_t thread, int arrivals)
{
  uint64_t arrived_at;

  while (atomic_load(&arrived) < arrivals)
    usleep(PAUSE);
  arrived_at = nanoseconds_of(thread);
  while (nanoseconds_of(thread) < arrived_at + SPIN_NS)
    usleep(PAUSE);
}

static void (*send)(pthread_t thread);

static void send_to_thread(pthread_t thread)
{
  REQUIRE(pthread_kill(thread, SIGTRAP) == 0);
}

/* To the only thread that does not block it. */
static void send_to_process(pthread_t thread)
{
  sigset_t set;

  (void)thread;
  sigemptyset(&set);
  sigaddset(&set, SIGTRAP);
  REQUIRE(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0 && kill(getpid(), SIGTRAP) == 0);
}

/* The site is hooked with those flags; or, where `gone`, was, by a trap. */
static void spin_and_send(uint32_t flags, bool gone)
{
  struct sigaction action = {.sa_sigaction = on_sent, .sa_flags = SA_SIGINFO};
  int arrivals = gone ? 1 : 2;
  sighook_hook hook;
  pthread_t thread;

  REQUIRE(sigaction(SIGTRAP, &action, NULL) == 0);
  install((uintptr_t)adds_1234, SIGHOOK_FORCE_TRAP);
  hook = install((uintptr_t)spins_site, flags);
  if (gone)
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  REQUIRE(pthread_create(&thread, NULL, trap_then_spin, NULL) == 0);
  wait_till_it_spins(thread, arrivals);
  send(thread);
  for (unsigned waited = 0; !atomic_load(&received); waited++) {
    REQUIRE(waited < WAITS_MAX);
    usleep(PAUSE);
  }
  pthread_join(thread, NULL);
  REQUIRE(atomic_load(&received) == 1 && atomic_load(&arrived) == arrivals);
}

static void behind_a_hook_that_went(void)
{
  spin_and_send(SIGHOOK_FORCE_TRAP, true);
}

static void behind_a_branch(void)
{
  spin_and_send(SIGHOOK_REQUIRE_BRANCH, false);
}

static void behind_a_trap(void)
{
  spin_and_send(SIGHOOK_FORCE_TRAP, false);
}

static void one_sent_to_a_thread_behind_a_site_is_the_programs(void **state)
{
  (void)state;
  send = send_to_thread;
  assert_true(in_child(behind_a_hook_that_went));
  assert_true(in_child(behind_a_branch));
}

static void one_sent_to_the_process_is_the_programs_behind_a_trap_too(void **state)
{
  (void)state;
  send = send_to_process;
  assert_true(in_child(behind_a_hook_that_went));
  assert_true(in_child(behind_a_branch));
  assert_true(in_child(behind_a_trap));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_sent_to_a_thread_behind_a_site_is_the_programs),
                                     cmocka_unit_test(one_sent_to_the_process_is_the_programs_behind_a_trap_too)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
