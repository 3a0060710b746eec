/* SIGILL and SIGTRAP beside boundaries: those of the program's own go where they went, and those that come late, after the
 * boundary went, harm nobody. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <ucontext.h>
#include "kinds.h"
#include "looks.h"

enum { ARGUMENT = 5, UD2 = 2, CYCLES = 12000, LONGER = 20, THREADS = 2, PROLOGUE = 0, YIELD = 12 };

/* Of the program's own: each raises SIGILL on its way, and goes on behind it. */
long raises(long);
long raises_behind(long);
extern const uint8_t raises_site[], raises_behind_site[], raises_behind_next[];
__asm__(".text\n\t.p2align 6\n\t.globl raises, raises_site, raises_behind, raises_behind_site, raises_behind_next\n"
        "\t.type raises, @function\nraises:\n\t.cfi_startproc\n\tlea 7(%rdi, %rdi), %rax\nraises_site:\n\tud2\n\tret\n"
        "\t.cfi_endproc\n\t.size raises, . - raises\n\t.p2align 6\n"
        "\t.type raises_behind, @function\nraises_behind:\n\t.cfi_startproc\nraises_behind_site:\n\tmov %rdi, %rax\n"
        "raises_behind_next:\n\tud2\n\tlea 7(%rdi, %rax), %rax\n\tret\n"
        "\t.cfi_endproc\n\t.size raises_behind, . - raises_behind\n");

static volatile long raised, hits;   /* the compiler takes raise() for a call that changes no variable of ours */
static uintptr_t raised_at;           /* as sighook_original_pc tells */

static void step_over(int signal_number, siginfo_t *info, void *context)
{
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

  REQUIRE(signal_number == SIGILL);
  raised++;
  raised_at = sighook_original_pc((uintptr_t)registers[REG_RIP]);
  if (info->si_code > 0)
    registers[REG_RIP] += UD2;
}

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

static void handle(void (*action)(int, siginfo_t *, void *))
{
  struct sigaction handler = {.sa_sigaction = action, .sa_flags = SA_SIGINFO};

  sigaction(SIGILL, &handler, NULL);
}

static sighook_hook install(const uint8_t *address)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)address, .handler = count};
  sighook_hook hook;

  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  return hook;
}

static sighook_hook install_reaching(const struct reach *reach)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)reach->site, .handler = count};

  return reach_install(reach, kind, &spec);
}

static void jump_to_boundaries(const struct reach *reach)
{
  for (unsigned i = 0; i < reach->count; i++)
    REQUIRE(reach_enter(reach->boundaries[i], ARGUMENT, reach->words[i + 1]) == reach_expected(ARGUMENT));
}

/* ---- the program's own ---- */

static void raise_at(long (*function)(long), const uint8_t *address, long hits_each)
{
  raised = hits = 0;
  REQUIRE(function(ARGUMENT) == reach_expected(ARGUMENT));
  REQUIRE(raised == 1 && raised_at == (uintptr_t)address && hits == hits_each);
}

static void raise_beside_boundaries(void)
{
  sighook_hook reaching, own;

  handle(step_over);
  reach_crowd(kind);
  raise_at(raises, raises_site, 0);
  reaching = install_reaching(&reaches[PROLOGUE]);
  raise_at(raises, raises_site, 0);
  jump_to_boundaries(&reaches[PROLOGUE]);
  raised = 0;
  REQUIRE(raise(SIGILL) == 0 && raised == 1);        /* by the system's record the trap was one of ours */
  own = install(raises_site);
  raise_at(raises, raises_site, 1);
  jump_to_boundaries(&reaches[PROLOGUE]);
  REQUIRE(raised == 1);
  REQUIRE(sighook_remove(reaching) == SIGHOOK_OK);
  raise_at(raises, raises_site, 1);
  REQUIRE(sighook_remove(own) == SIGHOOK_OK);
  raise_at(raises, raises_site, 0);
  jump_to_boundaries(&reaches[PROLOGUE]);
  REQUIRE(raised == 1);
}

/* What raises it is at a boundary, which is a breakpoint always. */
static void raise_at_boundary(void)
{
  sighook_hook hook;

  handle(step_over);
  reach_crowd_at(raises_behind_site, (unsigned)(raises_behind_next - raises_behind_site));
  hook = install(raises_behind_site);
  REQUIRE(*(const volatile uint8_t *)raises_behind_next == 0xCC);
  raise_at(raises_behind, raises_behind_next, 1);
  raised = 0;
  REQUIRE(reach_enter(raises_behind_next, ARGUMENT, 0) == ARGUMENT + reach_expected(ARGUMENT) + 7 && raised == 1);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  raise_at(raises_behind, raises_behind_next, 0);
}

/* ---- a handler that comes after the library's ---- */

static volatile long ours, others;

static void ask_first(int signal_number, siginfo_t *info, void *context)
{
  if (sighook_handle_signal(signal_number, info, context)) {
    ours++;
  } else {
    others++;
    step_over(signal_number, info, context);
  }
}

/* It is a trap of ours by the system's record of the thread's last one, and by where it stands. */
static void ask_of(uintptr_t address, greg_t trap, int expected)
{
  ucontext_t context = {0};
  siginfo_t info = {.si_signo = SIGILL, .si_code = ILL_ILLOPN};

  context.uc_mcontext.gregs[REG_RIP] = (greg_t)address;
  context.uc_mcontext.gregs[REG_TRAPNO] = trap;
  REQUIRE(sighook_handle_signal(SIGILL, &info, &context) == expected);
  REQUIRE((context.uc_mcontext.gregs[REG_RIP] != (greg_t)address) == expected);
}

static void handle_afterwards(void)
{
  enum { BREAKPOINT_TRAP = 3, INVALID_OPCODE = 6 };
  const struct reach *reach = &reaches[PROLOGUE];
  sighook_hook hook;

  reach_crowd(kind);
  hook = install_reaching(reach);
  handle(ask_first);
  raise_at(raises, raises_site, 0);
  REQUIRE(ours == 0 && others == 1);
  jump_to_boundaries(reach);
  REQUIRE(ours == (kind == REACH_ILLEGAL ? (long)reach->count : 0) && others == 1);
  ask_of((uintptr_t)reach->boundaries[0], INVALID_OPCODE, kind == REACH_ILLEGAL);
  ask_of((uintptr_t)reach->boundaries[0], BREAKPOINT_TRAP, 0);
  ask_of((uintptr_t)raises_site, INVALID_OPCODE, 0);
  raised = 0;
  REQUIRE(raise(SIGILL) == 0 && raised == 1 && others == 2);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  ours = 0;
  jump_to_boundaries(reach);
  REQUIRE(ours == 0);
}

/* ---- no handler ---- */

/* How a child ends that does so, with SIGILL's action as given, or by its default. */
static int ending(void (*action)(int), void (*end)(void))
{
  int status = -1;
  pid_t child = fork();

  if (child == 0) {
    signal(SIGILL, action);
    reach_crowd(kind);
    install_reaching(&reaches[PROLOGUE]);
    jump_to_boundaries(&reaches[PROLOGUE]);
    end();
    _exit(0);
  }
  REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
  return status;
}

static void end_by_own(void)
{
  raises(ARGUMENT);
}

static void end_by_hooked(void)
{
  install(raises_site);
  raises(ARGUMENT);
}

static void end_by_sent(void)
{
  kill(getpid(), SIGILL);
}

static void end_without_handler(void)
{
  void (*const ends[])(void) = {end_by_own, end_by_hooked, end_by_sent};

  for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
    int status = ending(SIG_DFL, ends[i]), ignored = ending(SIG_IGN, ends[i]);

    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL);
    if (ends[i] == end_by_sent)                      /* only what the processor raises cannot be ignored */
      REQUIRE(ignored == 0);
    else
      REQUIRE(WIFSIGNALED(ignored) && WTERMSIG(ignored) == SIGILL);
  }
}

/* ---- late ones ---- */

static atomic_bool stop;
static atomic_ulong wrong, jumps;
static _Atomic(const struct reach *) changing;

static void *jump_all_the_time(void *unused)
{
  unsigned long done = 0;

  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    const struct reach *reach = atomic_load_explicit(&changing, memory_order_relaxed);

    for (unsigned i = 0; i < reach->count; i++, done++)
      if (reach_enter(reach->boundaries[i], ARGUMENT, reach->words[i + 1]) != reach_expected(ARGUMENT))
        atomic_fetch_add(&wrong, 1);
    if (done % YIELD == 0)
      sched_yield();
  }
  atomic_fetch_add(&jumps, done);
  return unused;
}

/* The site's hook, and now and then one on a boundary that has a stub of its own from then on, in any order. */
static void cycle(const struct reach *reach, unsigned number)
{
  sighook_hook site, boundary = {0};
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_PROBE,
                       .flags = SIGHOOK_COUNT,
                       .address = (uintptr_t)reach->boundaries[number % reach->count]};
  bool first = number % 7 == 0, after = number % 5 == 0;

  atomic_store_explicit(&changing, reach, memory_order_relaxed);
  site = install_reaching(reach);
  if (first)
    REQUIRE(sighook_install(&spec, &boundary) == SIGHOOK_OK);
  REQUIRE(sighook_remove(site) == SIGHOOK_OK);
  if (!first && after)
    REQUIRE(sighook_install(&spec, &boundary) == SIGHOOK_OK);
  if (first || after)
    REQUIRE(sighook_remove(boundary) == SIGHOOK_OK);
}

static void cycles_beside_jumps(void)
{
  unsigned cycles = CYCLES * (getenv("SIGHOOK_LONG") ? LONGER : 1);
  pthread_t threads[THREADS];

  reach_crowd(kind);
  atomic_store(&changing, &reaches[0]);
  reach_remember();
  for (unsigned i = 0; i < THREADS; i++)
    REQUIRE(pthread_create(&threads[i], NULL, jump_all_the_time, NULL) == 0);
  for (unsigned i = 0; i < cycles; i++)
    cycle(&reaches[i % reach_count], i / reach_count);
  atomic_store(&stop, true);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  printf("%u cycles, %lu jumps\n", cycles, atomic_load(&jumps));
  REQUIRE(atomic_load(&wrong) == 0 && atomic_load(&jumps) > 0);
  for (unsigned i = 0; i < reach_count; i++)
    reach_require_unchanged(&reaches[i]);
}

/* ---- none at all ---- */

static void pass(int signal_number, siginfo_t *info, void *context)
{
  REQUIRE(sighook_handle_signal(signal_number, info, context) == 1);
  ours++;
}

static const struct reach *looked_at;

static void look(void)
{
  REQUIRE(looked_at->function(ARGUMENT) == reach_expected(ARGUMENT) && ours == 0);
}

/* What one store can change is never half changed: in no state on the way does one who runs on meet a trap. */
static void change_in_one(void)
{
  struct sigaction action = {.sa_sigaction = pass, .sa_flags = SA_SIGINFO};

  reach_crowd(kind);
  REQUIRE(sighook_remove(install_reaching(&reaches[PROLOGUE])) == SIGHOOK_OK);   /* the library's handlers come before */
  sigaction(SIGTRAP, &action, NULL);
  sigaction(SIGILL, &action, NULL);
  looked_at = &reaches[PROLOGUE];
  looks_begin(look, 0, 0);
  for (unsigned i = 0; i < reach_count; i++)
    if (!reaches[i].in_two_lines) {
      looked_at = &reaches[i];
      REQUIRE(sighook_remove(install_reaching(looked_at)) == SIGHOOK_OK);
    }
}

#define EVERY(X)                                                        \
  X(the_programs_own_goes_to_its_handler, raise_beside_boundaries)      \
  X(what_raises_it_may_be_at_a_boundary, raise_at_boundary)             \
  X(a_handler_that_comes_later_can_ask, handle_afterwards)              \
  X(without_a_handler_it_ends_the_process, end_without_handler)         \
  X(late_ones_harm_nobody, cycles_beside_jumps)                         \
  X(coming_and_going_in_one_line_raises_none, change_in_one)
EVERY(KINDS_DEFINE)

int main(void)
{
  const struct CMUnitTest tests[] = {EVERY(KINDS_LIST)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
