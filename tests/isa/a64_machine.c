#include "a64_machine.h"
#include "a64_forms.h"

#include "isa/aarch64/encode.h"

#include <asm/sigcontext.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

enum {
  NEAR_AREAS = 4,
  FAR_AREAS = 24,
  BEYOND_AREAS = 16,
  GRANULE = 0x10000, /* the largest page */
  MIB = 1 << 20,
  TICK_SECONDS = 2,
  END = 0xE0D /* immediate of the breakpoints that fill the code areas */
};

#define FLAGS UINT64_C(0xF0000000)
#define BTYPE UINT64_C(0xC00)
#define HAS_SVE (1UL << 22)
#define HAS_PACA (1UL << 30)

extern const uint32_t a64_machine_gate[];
void a64_machine_enter(bool scalable);
uint64_t a64_machine_sign_ia(uint64_t value, uint64_t modifier);
uint64_t a64_machine_sign_ib(uint64_t value, uint64_t modifier);
uint64_t a64_machine_sign_da(uint64_t value, uint64_t modifier);
uint64_t a64_machine_sign_db(uint64_t value, uint64_t modifier);

size_t a64_machine_vector_length;

static uint64_t near_areas[NEAR_AREAS], far_areas[FAR_AREAS], beyond_areas[BEYOND_AREAS];

/* Of the run under way, for the handler. */
static struct {
  volatile bool running;
  volatile unsigned long runs, runs_at_tick;
  const struct a64_state *start;
  a64_finish *finish;
  struct a64_outcome *outcome;
  struct a64_state home;
} now;

static bool map_area(uint64_t address, int protection)
{
  void *want = (void *)(uintptr_t)address;
  return mmap(want, A64_AREA_SIZE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == want;
}

static bool map_code(uint64_t address)
{
  if (!map_area(address, PROT_READ | PROT_WRITE | PROT_EXEC))
    return false;
  for (uint64_t at = address; at < address + A64_AREA_SIZE; at += A64_INSN_LENGTH)
    a64_machine_write(at, NULL, 1);
  return true;
}

/* From `low` to `high` MiB away, on either side, where no other area is. */
static bool map_far(uint64_t *area, uint64_t low, uint64_t high, uint64_t *random)
{
  const uint64_t places = (high - low) * (MIB / GRANULE);
  for (unsigned tries = 0; tries < 16; tries++) {
    uint64_t distance = low * MIB + next_random(random) % places * GRANULE;
    *area = next_random(random) & 1 ? A64_CODE + distance : A64_CODE - distance;
    if (map_code(*area))
      return true;
  }
  return false;
}

static bool map_areas(uint64_t *random)
{
  const int data = PROT_READ | PROT_WRITE;
  if (!map_code(A64_CODE) || !map_code(A64_TARGETS) || !map_area(A64_SCRATCH, data) || !map_area(A64_STACK, data))
    return false;
  for (unsigned i = 0; i < NEAR_AREAS; i++) {
    near_areas[i] = i % 2 ? A64_CODE - (i + 1) * 0x30000 : A64_CODE + 0xA0000 + i * 0x20000;
    if (!map_code(near_areas[i]))
      return false;
  }
  for (unsigned i = 0; i < FAR_AREAS; i++)
    if (!map_far(&far_areas[i], 2, 100, random))
      return false;
  for (unsigned i = 0; i < BEYOND_AREAS; i++)     /* half of them reach some targets of branches */
    if (!map_far(&beyond_areas[i], 129, i % 2 ? 250 : 100000, random))
      return false;
  return true;
}

static void *find_record(mcontext_t *context, uint32_t magic)
{
  uint8_t *at = (uint8_t *)context->__reserved, *end = at + sizeof context->__reserved;
  while (at + sizeof(struct _aarch64_ctx) <= end) {
    struct _aarch64_ctx *head = (void *)at;
    if (head->magic == magic)
      return head;
    if (!head->magic || head->size < sizeof *head)
      return NULL;
    at += head->size;
  }
  return NULL;
}

/* z, p and ffr in the frame, NULL where it holds none. */
static uint8_t *find_scalable(mcontext_t *context, size_t *length)
{
  struct sve_context *record = find_record(context, SVE_MAGIC);
  size_t vq = record ? record->vl / SVE_VQ_BYTES : 0;
  if (!vq || record->head.size < SVE_SIG_CONTEXT_SIZE(vq) || SVE_SIG_REGS_SIZE(vq) > A64_SCALABLE_MAX)
    return NULL;
  *length = record->vl;
  return (uint8_t *)record + SVE_SIG_REGS_OFFSET;
}

static void take_state(mcontext_t *context, struct a64_state *state)
{
  struct fpsimd_context *vectors = find_record(context, FPSIMD_MAGIC);
  size_t length = 0;
  uint8_t *scalable = find_scalable(context, &length);
  memcpy(state->x, context->regs, sizeof state->x);
  state->sp = context->sp;
  state->pc = context->pc;
  state->pstate = context->pstate;
  state->fpsr = vectors->fpsr;
  state->fpcr = vectors->fpcr;
  memcpy(state->v, vectors->vregs, sizeof state->v);
  if (scalable)
    memcpy(state->scalable, scalable, SVE_SIG_REGS_SIZE(length / SVE_VQ_BYTES));
}

static void put_state(mcontext_t *context, const struct a64_state *state)
{
  struct fpsimd_context *vectors = find_record(context, FPSIMD_MAGIC);
  size_t length = 0;
  uint8_t *scalable = find_scalable(context, &length);
  memcpy(context->regs, state->x, sizeof state->x);
  context->sp = state->sp;
  context->pc = state->pc;
  context->pstate = state->pstate;
  vectors->fpsr = state->fpsr;
  vectors->fpcr = state->fpcr;
  memcpy(vectors->vregs, state->v, sizeof state->v);
  if (!scalable)
    return;
  memcpy(scalable, state->scalable, SVE_SIG_REGS_SIZE(length / SVE_VQ_BYTES));
  /* Which of the two records the low parts come from is not the same everywhere. */
  for (unsigned i = 0; i < 32; i++)
    memcpy(scalable + i * length, state->v[i], sizeof state->v[i]);
}

static void begin(mcontext_t *context)
{
  take_state(context, &now.home);
  if (!find_scalable(context, &a64_machine_vector_length))
    a64_machine_vector_length = 0;
  now.running = true;
  put_state(context, now.start);
  context->pstate = (now.home.pstate & ~(FLAGS | BTYPE)) | (now.start->pstate & FLAGS);
}

static void end(int signal, const siginfo_t *info, mcontext_t *context)
{
  now.running = false;
  take_state(context, &now.outcome->state);
  now.outcome->signal = signal;
  now.outcome->address = signal == SIGSEGV || signal == SIGBUS ? (uint64_t)(uintptr_t)info->si_addr : 0;
  put_state(context, &now.home);
  context->pc += A64_INSN_LENGTH;
}

/* A run may be caught by one tick of processor time, but does not take so much of it that there are two. */
static bool is_too_long(void)
{
  bool again = now.runs_at_tick == now.runs;
  now.runs_at_tick = now.runs;
  return again;
}

static void on_signal(int signal, siginfo_t *info, void *frame)
{
  mcontext_t *context = &((ucontext_t *)frame)->uc_mcontext;
  if (signal == SIGPROF && (!now.running || !is_too_long()))
    return;
  if (!now.running && signal == SIGTRAP && context->pc == (uintptr_t)a64_machine_gate) {
    begin(context);
  } else if (!now.running) {
    struct sigaction usual = {.sa_handler = SIG_DFL}; /* a fault of the test's own */
    sigaction(signal, &usual, NULL);
  } else if (signal != SIGTRAP || !now.finish || !now.finish((uint64_t *)&context->pc, (uint64_t *)&context->regs[A64_LR])) {
    end(signal, info, context);
  }
}

static bool catch_signals(void)
{
  static const int signals[] = {SIGTRAP, SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGPROF};
  static uint8_t memory[0x20000] __attribute__((aligned(16)));
  stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  struct itimerval timer = {{TICK_SECONDS, 0}, {TICK_SECONDS, 0}};
  sigfillset(&action.sa_mask);
  if (sigaltstack(&stack, NULL) != 0)
    return false;
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    if (sigaction(signals[i], &action, NULL) != 0)
      return false;
  return setitimer(ITIMER_PROF, &timer, NULL) == 0;
}

bool a64_machine_start(uint64_t *random)
{
  static struct a64_state start;
  static struct a64_outcome outcome;
  if (!map_areas(random) || !catch_signals())
    return false;
  start.pc = A64_TARGETS;
  a64_machine_run(&start, NULL, &outcome); /* which learns the length of vectors */
  return outcome.signal == SIGTRAP && outcome.state.pc == A64_TARGETS;
}

uint64_t a64_machine_area(enum a64_distance distance, uint64_t *random)
{
  uint64_t number = next_random(random);
  if (distance == A64_BEYOND)
    return beyond_areas[number % BEYOND_AREAS];
  return distance == A64_FAR ? far_areas[number % FAR_AREAS] : near_areas[number % NEAR_AREAS];
}

void a64_machine_write(uint64_t at, const uint32_t *words, size_t count)
{
  uint32_t *code = (uint32_t *)(uintptr_t)at;
  for (size_t i = 0; i < count; i++)
    code[i] = words ? words[i] : a64_encode_brk(END);
  __builtin___clear_cache((char *)code, (char *)(code + count));
}

void a64_machine_run(const struct a64_state *start, a64_finish *finish, struct a64_outcome *outcome)
{
  now.start = start;
  now.finish = finish;
  now.outcome = outcome;
  now.runs++;
  a64_machine_enter(getauxval(AT_HWCAP) & HAS_SVE);
}

uint64_t a64_machine_sign(uint64_t value, uint64_t modifier, unsigned key)
{
  if (!(getauxval(AT_HWCAP) & HAS_PACA))
    return value;
  switch (key) {
  case A64_KEY_IA:
    return a64_machine_sign_ia(value, modifier);
  case A64_KEY_IB:
    return a64_machine_sign_ib(value, modifier);
  case A64_KEY_DA:
    return a64_machine_sign_da(value, modifier);
  default:
    return a64_machine_sign_db(value, modifier);
  }
}
