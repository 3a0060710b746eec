/* A64 instructions run in place and displaced from equal states on the processor, or what emulates it: registers,
 * flags, vectors, memory, signal and next pc must agree. Every family that depends on the pc, and every instruction
 * form of the real files that are given as arguments. More states with SIGHOOK_LONG; SIGHOOK_SEED repeats a run. */
#include "a64_families.h"
#include "a64_fill.h"
#include "a64_forms.h"
#include "a64_machine.h"
#include "a64_tally.h"

#include "isa/aarch64/encode.h"
#include "isa/aarch64/relocate.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  STATES = 3,
  LONG_FACTOR = 8,
  FORMS_MIN = 600,
  REPORTS_MAX = 40,
  SPILL = 16 /* below sp, of a literal load into a vector register */
};

/* Flags, BTYPE, DIT, TCO: what of pstate an instruction can change. SSBS is left out: on processors that lack it the
 * kernel sets it now and then. */
#define PSTATE_COMPARED UINT64_C(0xF3000C00)
#define PSTATE_BTYPE UINT64_C(0xC00)

/* One comparison: where the two copies stand and what became of them. */
static struct {
  uint32_t word;
  struct a64_insn insn;
  struct a64_displaced displaced;
  uint64_t from, to;
  struct a64_state start;
  struct a64_outcome original, copy;
  uint8_t scratch[2][A64_AREA_SIZE], stack[2][A64_AREA_SIZE]; /* [0]: before, [1]: after the original */
  bool differs;
} trial;

/* Once for each trial, before what differs. */
static void report_trial(void)
{
  if (trial.differs)
    return;
  trial.differs = true;
  printf("MISMATCH: %08" PRIx32 " at %#" PRIx64 ", displaced to %#" PRIx64 ":", trial.word, trial.from, trial.to);
  for (unsigned i = 0; i < trial.displaced.length / A64_INSN_LENGTH; i++)
    printf(" %08" PRIx32, trial.displaced.words[i]);
  printf("\n  entry %u exit %u; signals %d and %d, pc %#" PRIx64 " and %#" PRIx64 ", sp before %#" PRIx64 "\n",
         trial.displaced.entry_offset, trial.displaced.exit_offset, trial.original.signal, trial.copy.signal,
         trial.original.state.pc, trial.copy.state.pc, trial.start.sp);
}

static void expect_equal(const char *what, unsigned index, uint64_t original, uint64_t copy)
{
  if (original == copy)
    return;
  report_trial();
  printf("  %s %u: %#" PRIx64 " in place, %#" PRIx64 " displaced\n", what, index, original, copy);
}

static void expect_same_bytes(const char *what, const uint8_t *original, const uint8_t *copy, size_t size)
{
  if (memcmp(original, copy, size) == 0)
    return;
  size_t at = 0;
  while (original[at] == copy[at])
    at++;
  report_trial();
  printf("  %s+%#zx: %02x in place, %02x displaced\n", what, at, original[at], copy[at]);
}

/* What a fault in the middle of a displaced form leaves: a literal that cannot be read has its address in the register
 * that the load goes by; a call whose signature is wrong has its return address in x30 already. */
static void forget_half_done(struct a64_state *state, unsigned lowered)
{
  bool literal = trial.insn.kind == A64_LDR_LITERAL || trial.insn.kind == A64_LDR_LITERAL_FP;
  bool call = trial.insn.kind == A64_BLR && trial.insn.authenticated;
  unsigned reg = call ? A64_LR : lowered ? A64_X16 : trial.insn.rd;
  uint64_t left = call ? trial.from + A64_INSN_LENGTH : trial.insn.operand_address;
  if ((literal || call) && state->x[reg] == left)
    state->x[reg] = trial.original.state.x[reg];
}

/* A pc inside the displaced form has to be told as one of the program's. */
static void map_back(struct a64_state *state)
{
  uint64_t offset = state->pc - trial.to;
  if (offset >= trial.displaced.length)
    return;
  unsigned lowered = 0;
  state->pc = a64_original_pc(&trial.displaced, &trial.insn, trial.from, (unsigned)offset, &lowered);
  state->sp += lowered;
  if (trial.copy.signal != SIGTRAP)
    forget_half_done(state, lowered);
}

static void compare_registers(void)
{
  const struct a64_state *original = &trial.original.state;
  static struct a64_state copy;
  copy = trial.copy.state;
  map_back(&copy);
  for (unsigned i = 0; i < 31; i++)
    expect_equal("x", i, original->x[i], copy.x[i]);
  expect_equal("sp", 0, original->sp, copy.sp);
  expect_equal("pc", 0, original->pc, copy.pc);
  /* A call that became a jump is one to landing pads too, which relocate.h says. */
  uint64_t compared = trial.insn.kind == A64_BLR ? PSTATE_COMPARED & ~PSTATE_BTYPE : PSTATE_COMPARED;
  expect_equal("pstate", 0, original->pstate & compared, copy.pstate & compared);
  expect_equal("fpsr", 0, original->fpsr, copy.fpsr);
  expect_equal("fpcr", 0, original->fpcr, copy.fpcr);
  expect_same_bytes("v", original->v[0], copy.v[0], sizeof copy.v);
  expect_same_bytes("z, p, ffr", original->scalable, copy.scalable, sizeof copy.scalable);
}

static void compare(void)
{
  uint8_t *stack = (uint8_t *)(uintptr_t)A64_STACK;
  expect_equal("signal", 0, (unsigned)trial.original.signal, (unsigned)trial.copy.signal);
  expect_equal("an end in time, signal", 0, trial.original.signal == SIGPROF ? SIGPROF : 0, 0);
  expect_equal("signal's address", 0, trial.original.address, trial.copy.address);
  compare_registers();
  if (trial.displaced.lowered[0].bytes) { /* below sp nothing is the program's: there is no red zone */
    size_t at = trial.start.sp - SPILL - A64_STACK;
    memcpy(stack + at, trial.stack[1] + at, sizeof(uint64_t));
  }
  expect_same_bytes("scratch", trial.scratch[1], (uint8_t *)(uintptr_t)A64_SCRATCH, A64_AREA_SIZE);
  expect_same_bytes("stack", trial.stack[1], stack, A64_AREA_SIZE);
}

static void set_memory(void)
{
  memcpy((void *)(uintptr_t)A64_SCRATCH, trial.scratch[0], A64_AREA_SIZE);
  memcpy((void *)(uintptr_t)A64_STACK, trial.stack[0], A64_AREA_SIZE);
}

/* Of a memory copy the earlier stages stand before it: the kernel sets the pc back to them where the registers are not
 * as this processor's own prologue leaves them. */
static void write_original(bool put)
{
  unsigned stages = trial.insn.kind >= A64_MOPS_PROLOGUE ? a64_get_mops_stage(trial.word) : 0;
  for (unsigned stage = 0; stage < stages; stage++) {
    uint32_t earlier = a64_set_mops_stage(trial.word, stage);
    a64_machine_write(trial.from - (uint64_t)(stages - stage) * A64_INSN_LENGTH, put ? &earlier : NULL, 1);
  }
  a64_machine_write(trial.from, put ? &trial.word : NULL, 1);
}

static void run_original(void)
{
  set_memory();
  write_original(true);
  a64_machine_run(&trial.start, NULL, &trial.original);
  write_original(false); /* the copy has to do without it */
  memcpy(trial.scratch[1], (void *)(uintptr_t)A64_SCRATCH, A64_AREA_SIZE);
  memcpy(trial.stack[1], (void *)(uintptr_t)A64_STACK, A64_AREA_SIZE);
}

/* As a branch goes, in the lower half of addresses: a return from an exception drops the tag too, but not every
 * emulator's return from a signal. */
static uint64_t without_tag(uint64_t address)
{
  return address >> 55 & 1 ? address : address & UINT64_C(0xFFFFFFFFFFFFFF);
}

static bool finish(uint64_t *pc, uint64_t *link)
{
  unsigned offset = *pc - trial.to < trial.displaced.length ? (unsigned)(*pc - trial.to) : A64_NO_OFFSET;
  if (offset == A64_NO_OFFSET || offset == trial.displaced.trap_offset)
    return false;
  if (offset == trial.displaced.link_trap_offset) {
    *pc = without_tag(*link);
    *link = trial.from + A64_INSN_LENGTH;
    return true;
  }
  if (trial.displaced.words[offset / A64_INSN_LENGTH] != a64_encode_brk(A64_FAR_BRANCH))
    return false;
  *pc = a64_leads_to(&trial.insn, trial.from, trial.displaced.exit_offset, offset);
  return true;
}

static void run_copy(void)
{
  size_t count = trial.displaced.length / A64_INSN_LENGTH;
  set_memory();
  a64_machine_write(trial.to, trial.displaced.words, count);
  trial.start.pc = trial.to + trial.displaced.entry_offset;
  a64_machine_run(&trial.start, finish, &trial.copy);
  a64_machine_write(trial.to, NULL, count);
}

/* Where the copy stands is no place that the program could branch to. */
static bool leads_into_copy(void)
{
  const uint64_t size = A64_DISPLACED_MAX * A64_INSN_LENGTH;
  return trial.insn.has_target && trial.insn.target - trial.to < size;
}

static uint64_t place_in_area(uint64_t area, uint64_t *random)
{
  return area + A64_AREA_SIZE / 4 + next_random(random) % (A64_AREA_SIZE / 8) * A64_INSN_LENGTH;
}

static void choose(uint32_t word, enum a64_distance distance, uint64_t *random)
{
  do {
    trial.from = place_in_area(A64_CODE, random);
    trial.to = place_in_area(a64_machine_area(distance, random), random);
    trial.word = word;
    a64_fill_state(&trial.word, trial.from, random, &trial.start);
    a64_decode(trial.word, trial.from, &trial.insn);
  } while (leads_into_copy());
}

static void try_once(uint32_t word, enum a64_distance distance, uint64_t *random, struct tally *tally)
{
  trial.differs = false;
  choose(word, distance, random);
  enum a64_refusal refusal = a64_relocate(trial.word, trial.from, trial.to, distance == A64_BEYOND, &trial.displaced);
  if (refusal != A64_RELOCATED) {
    tally->refused[refusal]++;
    return;
  }
  a64_fill_data(trial.scratch[0], A64_AREA_SIZE, random);
  a64_fill_data(trial.stack[0], A64_AREA_SIZE, random);
  run_original();
  run_copy();
  compare();
  bool ended = trial.original.signal == SIGTRAP;
  tally->runs++;
  tally->ended += ended;
  tally->kinds[trial.insn.kind] += ended;
  tally->failures += trial.differs;
}

/* A few words of one form. */
static void try_form(const uint32_t *words, unsigned count, enum a64_distance distance, uint64_t *random,
                     struct tally *tally)
{
  size_t runs = tally->runs, ended = tally->ended;
  unsigned states = getenv("SIGHOOK_LONG") ? STATES * LONG_FACTOR : STATES;
  int reason = a64_not_alone(words[0]);
  if (reason >= 0) {
    tally->left_out[reason]++;
    return;
  }
  for (unsigned i = 0; i < count * states && tally->failures < REPORTS_MAX; i++)
    try_once(words[i % count], distance, random, tally);
  tally->tried++;
  tally->compared += tally->runs != runs;
  tally->faulting += tally->runs != runs && tally->ended == ended;
}

static const char *const places[] = {[A64_NEAR] = "nearby", [A64_FAR] = "far away", [A64_BEYOND] = "out of reach"};

static const char *name_test(const char *what, enum a64_distance distance)
{
  static char name[100];
  snprintf(name, sizeof name, "every %s does %s what it does in place", what, places[distance]);
  return name;
}

/* Each kind must have done its work, not only have faulted twice. */
static bool test_families(enum a64_distance distance, uint64_t *random)
{
  static uint32_t words[A64_FAMILY_WORDS_MAX];
  struct tally tally = {0};
  size_t count = a64_families(words, random);
  for (size_t i = 0; i < count; i++)
    try_form(&words[i], 1, distance, random, &tally);
  bool broad = tally.compared >= count - count / 10;
  for (int kind = A64_ADR; kind <= A64_RET; kind++)
    broad &= tally.kinds[kind] >= 16;
  return conclude(name_test("family that depends on the pc", distance), broad, &tally);
}

static bool test_forms(enum a64_distance distance, const struct a64_forms *forms, uint64_t *random)
{
  struct tally tally = {0};
  for (size_t i = 0; i < forms->count; i++) {
    const struct a64_form *form = &forms->slots[i];
    try_form(form->words, form->seen < A64_INSTANCES ? form->seen : A64_INSTANCES, distance, random, &tally);
  }
  bool broad =
      tally.compared >= FORMS_MIN && tally.compared >= tally.tried * 9 / 10 && tally.faulting < tally.tried / 2;
  return conclude(name_test("form of real libraries", distance), broad, &tally);
}

static bool test_files(int count, char **paths, uint64_t *random)
{
  struct a64_forms forms = {0};
  unsigned found = 0;
  for (int i = 0; i < count; i++) {
    if (a64_forms_add_file(&forms, paths[i], random))
      found++;
    else
      printf("without %s\n", paths[i]);
  }
  if (!found) {
    printf("skip - every form of real libraries does displaced what it does in place\n");
    return true;
  }
  a64_forms_finish(&forms, random);
  printf("%u files, %zu words, %zu forms\n", found, forms.words, forms.count);
  bool passed = true;
  for (enum a64_distance distance = A64_NEAR; distance <= A64_BEYOND; distance++)
    passed &= test_forms(distance, &forms, random);
  free(forms.slots);
  return passed;
}

int main(int argc, char **argv)
{
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char *given = getenv("SIGHOOK_SEED");
  uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL),
           random = (seed * 2 + 1) * 0x9E3779B97F4A7C15U;
  printf("seed %" PRIu64 "\n", seed);
  if (!a64_machine_start(&random)) {
    perror("skip - isa a64 differential: no place to run code");
    return 77;
  }
  printf("scalable vectors of %zu bytes\n", a64_machine_vector_length);
  bool passed = true;
  for (enum a64_distance distance = A64_NEAR; distance <= A64_BEYOND; distance++)
    passed &= test_families(distance, &random);
  passed &= test_files(argc - 1, argv + 1, &random);
  return passed ? 0 : 1;
}
