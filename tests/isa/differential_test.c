/* Every instruction form of some large real files, run in place and displaced from equal states on the real processor:
 * registers, flags, vector state, memory, stack, signal and next pc must agree. A random sample by default, all forms
 * and more states with SIGHOOK_LONG; SIGHOOK_SEED repeats a run. */
#include "forms.h"
#include "machine.h"
#include "states.h"
#include "vectors.h"

#include "isa/x86_64/relocate.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  SAMPLE = 1500,
  FLAG_TF = 0x100,   /* left over from single-stepping */
  FLAG_RF = 0x10000, /* says how the last trap came about, not what the code did */
  /* The displaced indirect call keeps its target below the red zone, where nothing of the program's can be. */
  RED_ZONE = 128,
  BELOW_RED_ZONE = 64,
  REPORTS_MAX = 40
};

static const char *const files[] = {"/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
                                    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/bin/python3.11", "/usr/bin/bash"};

/* One comparison: where the two copies stand and what became of them. */
struct trial {
  struct decoded decoded;
  struct x64_insn insn;
  struct x64_displaced displaced;
  uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
  uint64_t from, to;
  struct state start;
  struct outcome original, copy;
  uint8_t scratch[2][DATA_SIZE], stack[2][DATA_SIZE]; /* [0]: before, [1]: after the original */
  bool differs;
};

struct tally {
  size_t tried, compared, faulting; /* forms; faulting: those that ended in a signal in every state */
  size_t runs, signals, failures, refused[X64_NOT_RELOCATABLE + 1];
  /* Forms: those left out by their mnemonic, in the place of X64_RELOCATED, and those refused. */
  uint16_t skipped[X64_NOT_RELOCATABLE + 1][ZYDIS_MNEMONIC_MAX_VALUE + 1];
};

static struct trial trial;

static void print_bytes(const char *name, const uint8_t *bytes, size_t size)
{
  printf("  %-9s", name);
  for (size_t i = 0; i < size; i++)
    printf(" %02x", bytes[i]);
  printf("\n");
}

/* Once for each trial, before what differs. */
static void report_trial(void)
{
  if (trial.differs)
    return;
  trial.differs = true;
  ZydisFormatter formatter;
  char text[128];
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  ZydisFormatterFormatInstruction(&formatter, &trial.decoded.insn, trial.decoded.operands,
                                  trial.decoded.insn.operand_count_visible, text, sizeof text, trial.from, NULL);
  printf("MISMATCH: %s at %#" PRIx64 ", displaced to %#" PRIx64 "\n", text, trial.from, trial.to);
  print_bytes("original", trial.bytes, trial.insn.length);
  print_bytes("displaced", trial.displaced.bytes, trial.displaced.length);
  printf("  exit %u trap %u taken %u; signals %d and %d, pc %#llx and %#llx, rsp before %#llx\n",
         trial.displaced.exit_offset, trial.displaced.trap_offset, trial.displaced.taken_offset, trial.original.signal,
         trial.copy.signal, trial.original.state.regs.rip, trial.copy.state.regs.rip, trial.start.regs.rsp);
}

static void expect_equal(const char *what, uint64_t original, uint64_t copy)
{
  if (original == copy)
    return;
  report_trial();
  printf("  %s: %#" PRIx64 " in place, %#" PRIx64 " displaced\n", what, original, copy);
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

/* A pc inside the displaced form has to be told as one of the program's. */
static void map_back(struct user_regs_struct *regs)
{
  uint64_t offset = regs->rip - trial.to;
  if (offset >= trial.displaced.length)
    return;
  unsigned lowered = 0;
  regs->rip = x64_original_pc(&trial.displaced, &trial.insn, trial.from, (unsigned)offset, &lowered);
  regs->rsp += lowered;
}

static void compare_registers(void)
{
  static const struct {
    const char *name;
    size_t offset;
  } registers[] = {
#define REGISTER(name) {#name, offsetof(struct user_regs_struct, name)}
      REGISTER(rax),     REGISTER(rcx),     REGISTER(rdx), REGISTER(rbx), REGISTER(rsp), REGISTER(rbp),
      REGISTER(rsi),     REGISTER(rdi),     REGISTER(r8),  REGISTER(r9),  REGISTER(r10), REGISTER(r11),
      REGISTER(r12),     REGISTER(r13),     REGISTER(r14), REGISTER(r15), REGISTER(rip), REGISTER(eflags),
      REGISTER(fs_base), REGISTER(gs_base), REGISTER(cs),  REGISTER(ss),  REGISTER(ds),  REGISTER(es),
      REGISTER(fs),      REGISTER(gs),
#undef REGISTER
  };
  struct user_regs_struct original = trial.original.state.regs, copy = trial.copy.state.regs;
  map_back(&copy);
  /* A null selector's low bits are lost on any return from the kernel, and the copy makes one more of them. */
  unsigned long long *selectors[] = {&original.ds, &original.es, &original.fs, &original.gs,
                                     &copy.ds,     &copy.es,     &copy.fs,     &copy.gs};
  for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++)
    if (*selectors[i] < 4)
      *selectors[i] = 0;
  original.eflags &= ~(FLAG_TF | FLAG_RF);
  copy.eflags &= ~(FLAG_TF | FLAG_RF);
  for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
    unsigned long long value[2];
    memcpy(&value[0], (const char *)&original + registers[i].offset, sizeof value[0]);
    memcpy(&value[1], (const char *)&copy + registers[i].offset, sizeof value[1]);
    expect_equal(registers[i].name, value[0], value[1]);
  }
}

static void compare_vectors(void)
{
  const uint8_t *original = trial.original.state.xstate, *copy = trial.copy.state.xstate;
  expect_same_bytes("x87 control, status, tags", original, copy, 6);
  /* 6..23: opcode and addresses of the last x87 instruction, which cannot but be those of the copy. */
  expect_same_bytes("mxcsr", original + 24, copy + 24, 4);
  expect_same_bytes("x87 registers", original + 32, copy + 32, 128);
  expect_same_bytes("xmm", original + 160, copy + 160, 256);
  for (unsigned i = 2; i < 8; i++) {
    static const char *const names[] = {"", "", "upper ymm", "", "", "k", "upper zmm0-15", "zmm16-31"};
    const struct component *part = &machine_components[i];
    expect_same_bytes(names[i], original + part->offset, copy + part->offset, part->size);
  }
}

static void compare(void)
{
  expect_equal("signal", (unsigned)trial.original.signal, (unsigned)trial.copy.signal);
  expect_equal("signal's code", (unsigned)trial.original.code, (unsigned)trial.copy.code);
  expect_equal("signal's address", trial.original.address, trial.copy.address);
  compare_registers();
  compare_vectors();
  uint8_t *stack = (uint8_t *)(uintptr_t)STACK;
  if (trial.insn.kind == X64_CALL_INDIRECT) {
    size_t at = trial.start.regs.rsp - RED_ZONE - BELOW_RED_ZONE - STACK;
    memcpy(stack + at, trial.stack[1] + at, BELOW_RED_ZONE);
    /* To a target that is no address it faults with the return address already written, below rsp. */
    if (trial.original.signal && trial.copy.signal)
      memcpy(stack + at + BELOW_RED_ZONE + RED_ZONE - 8, trial.stack[1] + at + BELOW_RED_ZONE + RED_ZONE - 8, 8);
  }
  expect_same_bytes("scratch", trial.scratch[1], (uint8_t *)(uintptr_t)SCRATCH, DATA_SIZE);
  expect_same_bytes("stack", trial.stack[1], stack, DATA_SIZE);
}

static void set_memory(void)
{
  memcpy((void *)(uintptr_t)SCRATCH, trial.scratch[0], DATA_SIZE);
  memcpy((void *)(uintptr_t)STACK, trial.stack[0], DATA_SIZE);
}

static bool run_both(void)
{
  const bool repeats =
      trial.decoded.insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
  memcpy((void *)(uintptr_t)trial.from, trial.bytes, trial.insn.length);
  memcpy((void *)(uintptr_t)trial.to, trial.displaced.bytes, trial.displaced.length);
  set_memory();
  if (!machine_run(&trial.start, trial.from, trial.insn.length, !repeats, &trial.original))
    return false;
  memcpy(trial.scratch[1], (void *)(uintptr_t)SCRATCH, DATA_SIZE);
  memcpy(trial.stack[1], (void *)(uintptr_t)STACK, DATA_SIZE);
  set_memory();
  return machine_run(&trial.start, trial.to, trial.displaced.length, false, &trial.copy);
}

/* Why it was refused, if it was. */
static enum x64_refusal try_once(const struct form *form, uint64_t area, uint64_t *random, struct tally *tally)
{
  trial.differs = false;
  trial.from = CODE_ORIGINAL + next_random(random) % (CODE_SIZE / 2);
  trial.to = area + next_random(random) % (CODE_SIZE / 2);
  memcpy(trial.bytes, form->bytes, form->length);
  make_state(&trial.decoded, trial.bytes, trial.from, random, &trial.start);
  decode(trial.bytes, form->length, &trial.decoded);
  enum x64_refusal refusal = x64_relocate(trial.bytes, form->length, trial.from, trial.to, &trial.displaced);
  if (refusal != X64_RELOCATED || !x64_decode(trial.bytes, form->length, trial.from, &trial.insn)) {
    tally->refused[refusal]++;
    return refusal;
  }
  fill_data(trial.scratch[0], DATA_SIZE, random);
  fill_data(trial.stack[0], DATA_SIZE, random);
  tally->runs++;
  if (run_both()) {
    compare();
  } else {
    report_trial();
    printf("  one of the two did not come to an end\n");
    machine_stop();
    if (!machine_start())
      abort();
  }
  tally->signals += trial.original.signal != 0;
  tally->failures += trial.differs;
  return X64_RELOCATED;
}

/* Where the relocator does more than copy, and what changes the flags it runs under, is no matter of a sample. */
static bool is_always_tried(const struct form *form)
{
  struct x64_insn insn;
  struct decoded decoded;
  if (!decode(form->bytes, form->length, &decoded) || !x64_decode(form->bytes, form->length, CODE_ORIGINAL, &insn))
    return true;
  return insn.kind != X64_ORDINARY || decoded.insn.meta.category == ZYDIS_CATEGORY_POP;
}

static void try_form(const struct form *form, uint64_t area, unsigned states, uint64_t *random, struct tally *tally)
{
  size_t signals = tally->signals, runs = tally->runs;
  decode(form->bytes, form->length, &trial.decoded);
  if (!runs_alone(&trial.decoded)) {
    tally->skipped[X64_RELOCATED][trial.decoded.insn.mnemonic]++;
    return;
  }
  enum x64_refusal refusal = X64_RELOCATED;
  for (unsigned i = 0; i < states && tally->failures < REPORTS_MAX; i++)
    refusal = try_once(form, area, random, tally);
  if (refusal != X64_RELOCATED)
    tally->skipped[refusal][trial.decoded.insn.mnemonic]++;
  tally->tried++;
  tally->compared += tally->runs != runs;
  tally->faulting += tally->runs != runs && tally->signals - signals == tally->runs - runs;
}

static void summarise(const char *name, const struct tally *tally)
{
  printf(
      "%s: %zu forms tried, %zu compared, %zu of them ended in a signal in every state; %zu runs, %zu with a signal\n",
      name, tally->tried, tally->compared, tally->faulting, tally->runs, tally->signals);
  for (unsigned why = 0; why <= X64_NOT_RELOCATABLE; why++) {
    if (why == X64_RELOCATED)
      printf("  left out, forms by name:");
    else if (tally->refused[why])
      printf("  refused, %s (%zu states), forms by name:", x64_refusal_text((enum x64_refusal)why),
             tally->refused[why]);
    else
      continue;
    for (unsigned i = 0; i <= ZYDIS_MNEMONIC_MAX_VALUE; i++)
      if (tally->skipped[why][i])
        printf(" %s %u", ZydisMnemonicGetString((ZydisMnemonic)i), tally->skipped[why][i]);
    printf("\n");
  }
}

static bool test_at(const char *name, uint64_t area, const struct forms *forms, uint64_t *random)
{
  static struct tally tally;
  bool all = getenv("SIGHOOK_LONG") != NULL;
  size_t count = all || forms->count < SAMPLE ? forms->count : SAMPLE;
  memset(&tally, 0, sizeof tally);
  for (size_t i = 0; i < forms->count; i++)
    if (i < count || is_always_tried(&forms->slots[i]))
      try_form(&forms->slots[i], area, all ? 8 : 3, random, &tally);
  summarise(name, &tally);
  /* Most of what compilers emit must have been compared, and most of that have done its work, for this to mean much. */
  bool broad = tally.compared >= count / 2 && tally.faulting < tally.compared / 2;
  bool passed = tally.failures == 0 && broad;
  printf("%s - %s\n", passed ? "ok" : "not ok", name);
  return passed;
}

/* What compilers do not write, or not often: every instruction of the vectors, each a form of its own. */
static struct forms vector_forms(void)
{
  static struct vector vectors[VECTORS_MAX];
  static struct form slots[VECTORS_MAX];
  struct forms forms = {.slots = slots};
  size_t count = vectors_read(SIGHOOK_VECTORS, vectors);
  struct decoded decoded;
  for (size_t i = 0; i < count; i++) {
    const struct code_text *code = &vectors[i].original;
    struct form *form = &slots[forms.count];
    if (code->length > sizeof form->bytes || !decode(code->bytes, code->length, &decoded))
      continue;
    form->length = (uint8_t)code->length;
    memcpy(form->bytes, code->bytes, code->length);
    forms.count++;
  }
  return forms;
}

int main(void)
{
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char *given = getenv("SIGHOOK_SEED");
  uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL),
           random = (seed * 2 + 1) * 0x9E3779B97F4A7C15U;
  static struct forms forms;
  printf("seed %" PRIu64 "\n", seed);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (!forms_add_file(&forms, files[i], &random))
      printf("without %s\n", files[i]);
  forms_finish(&forms, &random);
  printf("%zu instructions, %zu forms\n", forms.decoded, forms.count);
  if (!machine_start()) {
    perror("skip - isa differential: no sandbox");
    return 77;
  }
  bool near = test_at("displaced within reach", CODE_NEAR, &forms, &random);
  bool far = test_at("displaced out of reach of what is referred to", CODE_FAR, &forms, &random);
  forms = vector_forms();
  bool vectors = test_at("the vectors displaced within reach", CODE_NEAR, &forms, &random);
  bool far_vectors = test_at("the vectors displaced out of reach", CODE_FAR, &forms, &random);
  machine_stop();
  return near && far && vectors && far_vectors ? 0 : 1;
}
