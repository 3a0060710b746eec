/* Every byte as the first of an instruction, run on the processor: which of them trap whatever follows, and at a page's end too.
 * What src/isa/x86_64/trapping.c says of this CPU must be so. All else that was seen is printed, for who adds a family. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <cpuid.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "isa/x86_64/trapping.h"

/* Both low and far from all else: a displacement or a cut address leads to them or to nothing. No system call has such an address
 * for its number. */
#define CODE UINT64_C(0x20000000)
#define SCRATCH UINT64_C(0x50000000)

enum {
  PAGE = 4096,
  SCRATCH_SIZE = 0x40000,
  INSIDE = 64,             /* offset in the page of what is not to be at its end */
  TAIL = 14,               /* with the two bytes before it longer than any instruction */
  RANDOM_TAILS = 2,
  RANDOM_TAILS_LONG = 100, /* with SIGHOOK_LONG */
  AT_END_MAX = 2,          /* bytes behind the first one, and then none */
  FP_REGISTERS = 416       /* bytes of the frame's FXSAVE area: x87 and xmm */
};
enum { TRAP_DB = 1, TRAP_BP = 3, TRAP_UD = 6, BREAKPOINT = 0xCC, INT1 = 0xF1 };
enum { FLAGS_CLEAR = 0x202, FLAGS_SET = 0xED7, FLAG_TF = 0x100, FLAG_RF = 0x10000 };

/* What the manuals call invalid in 64-bit mode, and what has come of it; int3, int1; and hlt, the one privileged instruction of a
 * single byte that no system lets a program run. */
static const uint8_t candidates[] = {0x06, 0x07, 0x0E, 0x16, 0x17, 0x1E, 0x1F, 0x27, 0x2F, 0x37, 0x3F, 0x60, 0x61, 0x62,
                                     0x82, 0x9A, 0xC4, 0xC5, 0xCC, 0xCE, 0xD4, 0xD5, 0xD6, 0xEA, 0xF1, 0xF4};

/* Behind first and second byte. The first three make nothing dangerous of any first byte and the mild second ones. */
static const uint8_t tails[][TAIL] = {
    {0},
    {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
    {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90},
    {0x66, 0xF2, 0x67, 0x2E, 0x48, 0x89, 0xC8},       /* prefixes */
    {0xF0, 0xF3, 0x64, 0x36, 0x41, 0x0F, 0xB1, 0x0F}, /* others */
    {0x04, 0x25, 0x00, 0x80, 0x00, 0x50},             /* ModRM with SIB and a displacement */
    {0xC0, 0x01, 0xC0},                               /* ModRM of a register */
    {0x0F, 0x0B},
    {0x77},                         /* C5 F8 77 is vzeroupper */
    {0x78, 0x77},                   /* and so is C4 E1 78 77 */
    {0x7C, 0x48, 0x10, 0xC0},       /* 62 F1 7C 48 10 C0 is vmovups %zmm0,%zmm0 */
    {0xC5, 0xF8, 0x77},
    {0x62, 0xF1, 0x7C, 0x48, 0x10, 0xC0},
    {0xD5, 0x00, 0x90},
};
static const uint8_t mild_seconds[] = {0x00, 0x90, 0xC0, 0xFF};
enum { TAILS_MILD = 3, FIXED_TAILS = sizeof tails / sizeof tails[0] };

/* How a run ended: the frame's trap number, how far behind the byte the pc was, whether the other registers were as before. */
struct ending {
  int signal;
  long long trap, offset;
  bool intact;
};

struct verdict {
  struct ending first;
  bool always; /* all runs ended so */
  unsigned runs;
};

static uint8_t *code; /* a page between two that are not accessible */
static struct verdict inside[256], at_end[256];
static const uint8_t *trapping;
static size_t trapping_count;

/* ---- one run ---- */

/* A breakpoint of our own takes us to the handler, which sends us to the byte; its trap leads there again, and back. */
static volatile enum { IDLE, LEAVING, RUNNING } phase;
static gregset_t home, start, arrived;
static uint8_t home_fp[FP_REGISTERS], arrived_fp[FP_REGISTERS];
static int arrived_signal;

static void on_signal(int signal_number, siginfo_t *info, void *context)
{
  mcontext_t *at = &((ucontext_t *)context)->uc_mcontext;

  (void)info;
  if (phase == LEAVING) {
    memcpy(home, at->gregs, sizeof home);
    memcpy(home_fp, at->fpregs, sizeof home_fp);
    for (unsigned i = REG_R8; i <= REG_EFL; i++) /* all integer registers, pc and flags */
      at->gregs[i] = start[i];
    phase = RUNNING;
  } else if (phase == RUNNING) {
    memcpy(arrived, at->gregs, sizeof arrived);
    memcpy(arrived_fp, at->fpregs, sizeof arrived_fp);
    arrived_signal = signal_number;
    memcpy(at->gregs, home, sizeof home);
    memcpy(at->fpregs, home_fp, sizeof home_fp);
    phase = IDLE;
  } else {
    signal(signal_number, SIG_DFL); /* the test's own fault */
  }
}

/* With stepping, the instruction ends in a SIGTRAP where it does not trap. */
static struct ending run(uint64_t address, bool stepping, bool flags_set)
{
  struct ending ending;

  for (unsigned i = REG_R8; i <= REG_RSP; i++)
    start[i] = (greg_t)(SCRATCH + SCRATCH_SIZE / 2 + 0x100 * i);
  start[REG_RIP] = (greg_t)address;
  start[REG_EFL] = (flags_set ? FLAGS_SET : FLAGS_CLEAR) | (stepping ? FLAG_TF : 0);
  phase = LEAVING;
  __asm__ volatile("int3" ::: "memory");
  ending.signal = arrived_signal;
  ending.trap = arrived[REG_TRAPNO];
  ending.offset = arrived[REG_RIP] - (greg_t)address;
  ending.intact = !memcmp(arrived, start, (REG_RSP + 1) * sizeof start[0]) && !memcmp(arrived_fp, home_fp, sizeof home_fp) &&
                  !((arrived[REG_EFL] ^ start[REG_EFL]) & ~FLAG_RF) && arrived[REG_CSGSFS] == home[REG_CSGSFS];
  return ending;
}

static bool same_ending(const struct ending *a, const struct ending *b)
{
  return a->signal == b->signal && a->trap == b->trap && a->offset == b->offset && a->intact == b->intact;
}

static void note(struct verdict *verdict, struct ending ending)
{
  if (!verdict->runs++) {
    verdict->first = ending;
    verdict->always = true;
  } else if (!same_ending(&verdict->first, &ending)) {
    verdict->always = false;
  }
}

/* ---- all runs ---- */

static bool in_table(uint8_t byte)
{
  return memchr(trapping, byte, trapping_count);
}

/* The two that trap by themselves are not stepped, which would end in the same signal. As its user would meet it, not stepped,
 * runs only what the table has, and only while it has always trapped. */
static void try_at(const uint8_t *at, struct verdict *verdict, bool flags_set, bool as_used)
{
  bool by_itself = *at == BREAKPOINT || *at == INT1;

  if (!by_itself)
    note(verdict, run((uintptr_t)at, true, flags_set));
  if (by_itself || (as_used && in_table(*at) && verdict->always))
    note(verdict, run((uintptr_t)at, false, flags_set));
}

static void try_inside(uint8_t byte, uint8_t second, const uint8_t *tail, bool flags_set, bool as_used)
{
  uint8_t *at = code + INSIDE;

  at[0] = byte;
  at[1] = second;
  memcpy(at + 2, tail, TAIL);
  try_at(at, &inside[byte], flags_set, as_used);
}

/* Nothing that may be read follows it, or so many bytes of each kind and then nothing. */
static void try_at_end(uint8_t byte, unsigned behind)
{
  uint8_t *at = code + PAGE - 1 - behind;

  for (unsigned second = 0; second < (behind ? 256 : 1); second++)
    for (unsigned tail = 0; tail < (behind > 1 ? 2 : 1); tail++) {
      at[0] = byte;
      if (behind)
        at[1] = (uint8_t)second;
      for (unsigned i = 1; i < behind; i++)
        at[1 + i] = tails[tail][i - 1];
      try_at(at, &at_end[byte], second & 1, true);
    }
}

static void try_candidate(uint8_t byte)
{
  unsigned random_tails = getenv("SIGHOOK_LONG") ? RANDOM_TAILS_LONG : RANDOM_TAILS;

  for (unsigned second = 0; second < 256; second++) {
    for (unsigned i = 0; i < FIXED_TAILS; i++)
      try_inside(byte, (uint8_t)second, tails[i], (second ^ i) & 1, false);
    for (unsigned i = 0; i < random_tails; i++) {
      uint8_t tail[TAIL];

      for (unsigned k = 0; k < TAIL; k++)
        tail[k] = (uint8_t)(rand() >> 7);
      try_inside(byte, (uint8_t)second, tail, i & 1, true);
    }
  }
  for (unsigned behind = 0; behind <= AT_END_MAX; behind++)
    try_at_end(byte, behind);
}

static void try_other(uint8_t byte)
{
  for (unsigned second = 0; second < sizeof mild_seconds; second++)
    for (unsigned i = 0; i < TAILS_MILD; i++)
      try_inside(byte, mild_seconds[second], tails[i], (second ^ i) & 1, false);
  try_at_end(byte, 0);
}

static void try_all(void)
{
  static const int signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE};
  enum { COUNT = sizeof signals / sizeof signals[0] };
  static uint8_t stack[0x10000];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack}, old_stack;
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK}, old[COUNT];

  sigaltstack(&alternate, &old_stack);
  for (unsigned i = 0; i < COUNT; i++)
    sigaction(signals[i], &action, &old[i]);
  for (unsigned byte = 0; byte < 256; byte++)
    if (memchr(candidates, (int)byte, sizeof candidates) || in_table((uint8_t)byte))
      try_candidate((uint8_t)byte);
    else
      try_other((uint8_t)byte);
  for (unsigned i = 0; i < COUNT; i++)
    sigaction(signals[i], &old[i], NULL);
  sigaltstack(&old_stack, NULL);
}

/* False where memory cannot be had that is both written and run. */
static bool ready(void)
{
  const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  void *guarded = (void *)(uintptr_t)(CODE - PAGE), *scratch = (void *)(uintptr_t)SCRATCH;
  static bool done;
  char vendor[X64_VENDOR_LENGTH];
  unsigned family, a, b, c, d;

  if (done)
    return true;
  code = (uint8_t *)guarded + PAGE;
  if (mmap(guarded, 3 * PAGE, PROT_NONE, flags, -1, 0) != guarded || mprotect(code, PAGE, protection | PROT_EXEC) ||
      mmap(scratch, SCRATCH_SIZE, protection, flags, -1, 0) != scratch)
    return false;
  __cpuid(0, a, b, c, d);
  memcpy(vendor, (const unsigned[]){b, d, c}, sizeof vendor);
  __cpuid(1, a, b, c, d);
  family = (a >> 8) & 0xF;
  if (family == 0xF)
    family += (a >> 20) & 0xFF;
  print_message("%.12s family %02Xh, model %02Xh\n", vendor, family, ((a >> 4) & 0xF) | ((a >> 12) & 0xF0));
  trapping_count = x64_trapping_bytes(vendor, family, &trapping);
  memset(code, BREAKPOINT, PAGE);
  try_all();
  return done = true;
}

/* ---- cases ---- */

static bool always(const struct verdict *verdict, struct ending ending)
{
  return verdict->always && same_ending(&verdict->first, &ending);
}

static bool raises_ud(uint8_t byte)
{
  const struct ending ud = {SIGILL, TRAP_UD, 0, true};

  return always(&inside[byte], ud) && always(&at_end[byte], ud);
}

static void print_verdict(const char *where, const struct verdict *verdict)
{
  const struct ending *first = &verdict->first;

  print_message("; %s signal %d, trap %lld, pc+%lld, registers %s%s", where, first->signal, first->trap, first->offset,
                first->intact ? "kept" : "changed", verdict->always ? "" : " (the first run; not all)");
}

static void print_byte(uint8_t byte)
{
  print_message("%02X%s", byte, in_table(byte) ? " (listed)" : "");
  print_verdict("inside a page", &inside[byte]);
  print_verdict("at its end", &at_end[byte]);
  print_message("; %u runs\n", inside[byte].runs + at_end[byte].runs);
}

static void every_byte_that_is_listed_for_this_cpu_traps_whatever_follows(void **state)
{
  const struct ending bp = {SIGTRAP, TRAP_BP, 1, true};

  (void)state;
  if (!ready())
    skip();
  assert_int_equal(trapping[0], BREAKPOINT);
  assert_true(always(&inside[BREAKPOINT], bp) && always(&at_end[BREAKPOINT], bp));
  for (size_t i = 1; i < trapping_count; i++) {
    if (!raises_ud(trapping[i]))
      print_byte(trapping[i]);
    assert_true(raises_ud(trapping[i]));
    assert_true(inside[trapping[i]].runs >= 256 * (FIXED_TAILS + 2 * RANDOM_TAILS));
  }
}

/* Or the case above could not fail. */
static void bytes_that_begin_instructions_are_seen_not_to_trap(void **state)
{
  const struct ending stepped = {SIGTRAP, TRAP_DB, 1, true};

  (void)state;
  if (!ready())
    skip();
  assert_true(always(&inside[0x90], stepped) && always(&at_end[0x90], stepped)); /* nop */
  for (unsigned byte = 0; byte < 256; byte++)
    if (!memchr(candidates, (int)byte, sizeof candidates) && raises_ud((uint8_t)byte))
      fail_msg("byte %02X always traps and is none of the candidates", byte);
}

/* With the candidates those others that trapped in each of their few runs. */
static void what_traps_on_this_cpu_is_told(void **state)
{
  (void)state;
  if (!ready())
    skip();
  for (unsigned byte = 0; byte < 256; byte++)
    if (memchr(candidates, (int)byte, sizeof candidates) || (inside[byte].always && !inside[byte].first.offset))
      print_byte((uint8_t)byte);
  print_message("such a list would be: CC");
  for (unsigned byte = 0; byte < 256; byte++)
    if (raises_ud((uint8_t)byte))
      print_message(" %02X", byte);
  print_message("\n");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_byte_that_is_listed_for_this_cpu_traps_whatever_follows),
      cmocka_unit_test(bytes_that_begin_instructions_are_seen_not_to_trap),
      cmocka_unit_test(what_traps_on_this_cpu_is_told),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
