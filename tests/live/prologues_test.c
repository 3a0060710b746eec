/* Functions whose first instructions are hard to hook, 26 of them: replaced, instrumented, counted, by whatever entry fits and by
 * traps, also where short instructions find no room for a pun ("crowded"). Each time they return what they return unhooked, in
 * every register, flag and byte of the stack, for many states that they may be called in; each arrival is one hit; then every
 * byte is what it was. */
#include <stdio.h>
#include <string.h>
#include "isa/x86_64/insn.h"
#include "live.h"
#include "registers.h"
#include "spoil.h"
#include "windows.h"

/* Of what a caller sees: everything by its arguments; nothing; or one of two sums, by the flags that it is called with. */
enum result { RESULT, NO_RESULT, BY_FLAGS };

#define ALONE(X)                                                                                                              \
  X(lea_relative, RESULT) X(load_relative, RESULT) X(compare_relative, RESULT) X(store_relative, RESULT)                      \
  X(vex_relative, RESULT) X(push_relative, RESULT) X(call_relative_memory, RESULT) X(jump_relative_memory, RESULT)            \
  X(jcc_short, BY_FLAGS) X(jcc_near, BY_FLAGS) X(test_then_je, RESULT) X(call_first, RESULT) X(call_then_pop, RESULT)         \
  X(jump_short, RESULT) X(jump_near, RESULT) X(jrcxz_forward, RESULT) X(loop_forward, RESULT) X(loop_to_start, RESULT)        \
  X(loop_inside, RESULT) X(branch_over_lock, RESULT) X(ret_padded, NO_RESULT) X(landing_pad, RESULT) X(load_thread, RESULT)
#define PACKED(X) X(ret_packed, NO_RESULT) X(three_bytes, RESULT) X(four_bytes, RESULT)

struct prologue {
  const char *name;
  const uint8_t *code, *behind;       /* a function behind it without padding, or NULL */
  enum result result;
};
#define DECLARE(name, result) extern const uint8_t name[];
#define DECLARE_BEHIND(name, result) extern const uint8_t behind_##name[];
#define TELL(name, result) {#name, name, NULL, result},
#define TELL_BEHIND(name, result) {#name, name, behind_##name, result},
ALONE(DECLARE)
PACKED(DECLARE)
PACKED(DECLARE_BEHIND)
static const struct prologue prologues[] = {ALONE(TELL) PACKED(TELL_BEHIND)};
enum { PROLOGUES = sizeof prologues / sizeof *prologues };
_Static_assert(PROLOGUES == 26, "the list is complete");

enum way { REPLACED, PASSED_ON, INSTRUMENTED, COUNTED, TRAPPED, TRAPPED_REPLACED, WAYS };
static const char *const way_names[] = {"replaced", "passed on", "instrumented", "counted", "trapped", "replaced by a trap"};
static const char *const entry_names[] = {"nothing", "branch", "punned", "evicted", "trap"};

enum { SHORT = 5, STATES = 64, BYTES = 80, BEFORE = 16, ADDED = 1000, AS_CALLED = 1 << RBX | 1 << RSP | 1 << RBP | 15 << R12 };

static struct image references[STATES], behind_references[STATES], image;
static const struct prologue *prologue;
static sighook_hook hook;
static long shown_wrong;              /* hits with another context than that of the state */

/* ---- what runs in between ---- */

long passed_on;                       /* hits of `pass_on`, which leaves everything as it is */
void *original;
extern const uint8_t pass_on[];
__asm__(".text\n"
        "pass_on: lea -128(%rsp), %rsp\n push %rax\n mov passed_on(%rip), %rax\n lea 1(%rax), %rax\n mov %rax, passed_on(%rip)\n"
        " pop %rax\n lea 128(%rsp), %rsp\n jmp *original(%rip)\n");

static long replacement(long a, long b, long c, long d, long e, long f)
{
  hits++;
  spoil_state();
  return ((long (*)(long, long, long, long, long, long))original)(a, b, c, d, e, f) + ADDED;
}

static void on_hit(sighook_context *context, void *user)
{
  const uint64_t *general = image.registers.general;

  (void)user;
  if (context->rip != (uintptr_t)prologue->code || context->rsp != general[RSP])
    shown_wrong++;
  if (!hits && (context->rax != general[RAX] || context->rdi != general[RDI] || context->r15 != general[R15] ||
                (context->eflags & FLAGS_SEEN) != (image.registers.flags & FLAGS_SEEN)))
    shown_wrong++;
  hits++;
  spoil_state();
}

static void on_plain_hit(uintptr_t address, sighook_context *context)
{
  if (address != (uintptr_t)prologue->code)
    shown_wrong++;
  on_hit(context, NULL);
}

/* ---- hooks ---- */

static sighook_status install(enum way way)
{
  uintptr_t address = (uintptr_t)prologue->code;
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = address};

  switch (way) {
  case REPLACED:
    return sighook_inline_hook(address, (const void *)replacement, &original, NULL);
  case PASSED_ON:
    return sighook_inline_hook(address, pass_on, &original, NULL);
  case INSTRUMENTED:
    return sighook_instrument(address, on_plain_hit, NULL);
  case COUNTED:
    spec.flags = SIGHOOK_COUNT;
    break;
  case TRAPPED_REPLACED:
    spec.kind = SIGHOOK_REPLACE;
    spec.replacement = (const void *)replacement;
    spec.call_original = &original;
    spec.flags = SIGHOOK_FORCE_TRAP;
    break;
  default:
    spec.handler = on_hit;
    spec.flags = SIGHOOK_FORCE_TRAP;
  }
  return sighook_install(&spec, &hook);
}

static sighook_status uninstall(enum way way)
{
  return way <= INSTRUMENTED ? sighook_unhook((uintptr_t)prologue->code) : sighook_remove(hook);
}

static int note_entry(sighook_hook found, const sighook_info *info, void *entry)
{
  (void)found;
  if (info->address == (uintptr_t)prologue->code)
    *(sighook_entry *)entry = info->entry;
  return 0;
}

static sighook_entry entry_now(void)
{
  sighook_entry entry = SIGHOOK_ENTRY_NONE;

  assert_int_equal(sighook_each(note_entry, &entry), SIGHOOK_OK);
  return entry;
}

static long hits_of(enum way way)
{
  sighook_info info = {.size = sizeof info};

  if (way == PASSED_ON)
    return passed_on;
  if (way != COUNTED)
    return hits;
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  return (long)info.hits;
}

/* ---- runs ---- */

static bool is_called(enum way way)
{
  return way == REPLACED || way == TRAPPED_REPLACED;
}

/* How often a run from this state comes to the first instruction. */
static long arrivals(const struct image *state)
{
  long rounds = (long)(state->registers.general[RSI] & 7);

  return strcmp(prologue->name, "loop_to_start") == 0 && rounds > 1 ? rounds : 1;
}

/* A replacement in C is called, and calls, as compilers do: so it passes on what these do, and so does its caller see. */
static bool as_called(const struct image *reference, long hits_expected, const char *what)
{
  int which = AS_CALLED | (prologue->result == RESULT ? 1 << RAX : 0);
  uint64_t sum;

  image.registers.general[RAX] -= (uint64_t)(hits_expected * ADDED);
  sum = image.registers.general[RAX] - image.registers.general[RDI];
  if (prologue->result == BY_FLAGS && sum != 1 && sum != 2)
    return false;
  return image_same(&image, reference, which, 0, what);
}

static void run(enum way way, unsigned state)
{
  bool called = is_called(way), right;
  uint64_t argument;
  long before, wanted;

  image_fill(&image, state);
  argument = image.registers.general[RDI];
  wanted = arrivals(&image);
  if (called)
    image.registers.flags &= ~(uint64_t)FLAG_DIRECTION;
  hits = 0;
  before = hits_of(way);
  errno = 5;
  image_run(&image, (uintptr_t)prologue->code);
  assert_int_equal(errno, 5 + (called ? SPOILED_ERRNO - 5 : 0));
  if (called)
    image.registers.general[RDI] = argument;          /* not kept by what is called */
  right = called ? as_called(&references[state], wanted, prologue->name)
                 : image_same(&image, &references[state], EVERYTHING, RED_ZONE, prologue->name);
  if (!right || hits_of(way) - before != wanted || shown_wrong)
    fail_msg("%s, %s, state %u: %ld hits, expected %ld; %ld saw a wrong context", prologue->name, way_names[way], state,
             hits_of(way) - before, wanted, shown_wrong);
}

/* Without a hook that this counts the hits of: the results are noted, or compared. */
static void run_plainly(const uint8_t *code, struct image results[STATES], bool compare)
{
  for (unsigned state = 0; code && state < STATES; state++) {
    image_fill(&image, state);
    hits = passed_on = 0;
    image_run(&image, (uintptr_t)code);
    assert_int_equal(hits + passed_on, 0);
    if (!compare)
      results[state] = image;
    else if (!image_same(&image, &results[state], EVERYTHING, RED_ZONE, prologue->name))
      fail_msg("%s, run plainly, state %u", prologue->name, state);
  }
}

static sighook_entry check(enum way way)
{
  uint8_t before[BYTES];
  sighook_error error = {.size = sizeof error};
  sighook_entry entry;

  memcpy(before, prologue->code - BEFORE, BYTES);
  if (install(way) != SIGHOOK_OK) {
    sighook_last_error(&error);
    fail_msg("%s, %s: %s", prologue->name, way_names[way], error.message);
  }
  entry = entry_now();
  for (unsigned state = 0; state < STATES; state++)
    run(way, state);
  run_plainly(prologue->behind, behind_references, true);
  assert_int_equal(uninstall(way), SIGHOOK_OK);
  assert_memory_equal(before, prologue->code - BEFORE, BYTES);
  run_plainly(prologue->code, references, true);
  run_plainly(prologue->behind, behind_references, true);
  return entry;
}

static bool can_run(void)
{
  return __builtin_cpu_supports("avx") || strcmp(prologue->name, "vex_relative") != 0;
}

static void is_right_in_every_way(void **state)
{
  sighook_entry entries[WAYS];

  prologue = *state;
  if (!can_run())
    skip();
  run_plainly(prologue->code, references, false);
  run_plainly(prologue->behind, behind_references, false);
  for (enum way way = 0; way < WAYS; way++)
    entries[way] = check(way);
  print_message("%-20s replaced: %s, instrumented: %s, counted: %s, forced: %s\n", prologue->name, entry_names[entries[REPLACED]],
                entry_names[entries[INSTRUMENTED]], entry_names[entries[COUNTED]], entry_names[entries[TRAPPED]]);
  assert_int_equal(entries[TRAPPED], SIGHOOK_ENTRY_TRAP);
  assert_int_equal(entries[TRAPPED_REPLACED], SIGHOOK_ENTRY_TRAP);
  if (x64_length(prologue->code, X64_INSN_MAX) >= SHORT && strcmp(prologue->name, "branch_over_lock") != 0)
    assert_int_equal(entries[INSTRUMENTED], SIGHOOK_ENTRY_BRANCH);
}

/* ---- all of them ---- */

static struct {
  sighook_hook hook;
  long hits;
} together[2 * PROLOGUES];            /* those behind in the second half */

static void count_one(sighook_context *context, void *user)
{
  (void)context;
  ++*(long *)user;
  spoil_state();
}

static void change_all(bool comes)
{
  sighook_batch *batch;

  assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
  for (unsigned i = 0; i < 2 * PROLOGUES; i++) {
    const uint8_t *code = i < PROLOGUES ? prologues[i].code : prologues[i - PROLOGUES].behind;
    sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)code, .handler = count_one,
                         .user = &together[i].hits};

    if (code)
      assert_int_equal(comes ? sighook_batch_install(batch, &spec, &together[i].hook)
                             : sighook_batch_remove(batch, together[i].hook), SIGHOOK_OK);
    together[i].hits = 0;
  }
  assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
  sighook_batch_destroy(batch);
}

static void all_are_right_together(void **unused)
{
  (void)unused;
  for (unsigned i = 0; i < PROLOGUES; i++) {
    uint8_t before[BYTES];
    long wanted = 0;

    prologue = &prologues[i];
    if (!can_run())
      continue;
    memcpy(before, prologue->code - BEFORE, BYTES);
    run_plainly(prologue->code, references, false);
    run_plainly(prologue->behind, behind_references, false);
    change_all(true);
    run_plainly(prologue->code, references, true);
    run_plainly(prologue->behind, behind_references, true);
    for (unsigned state = 0; state < STATES; state++) {
      image_fill(&image, state);
      wanted += arrivals(&image);
    }
    assert_int_equal(together[i].hits, wanted);
    assert_int_equal(together[PROLOGUES + i].hits, prologue->behind ? STATES : 0);
    change_all(false);
    assert_memory_equal(before, prologue->code - BEFORE, BYTES);
  }
}

/* Islands lead to what was hooked before, so places that are taken late would be had again. */
static void take_all_windows(void)
{
  for (unsigned i = 0; i < PROLOGUES; i++) {
    size_t length = x64_length(prologues[i].code, X64_INSN_MAX);

    if (length < SHORT)
      take_windows(prologues[i].code, (unsigned)length);
  }
}

int main(int argc, char **argv)
{
#define TEST(name, result) {#name, is_right_in_every_way, NULL, NULL, NULL},
  struct CMUnitTest tests[PROLOGUES + 1] = {ALONE(TEST) PACKED(TEST) cmocka_unit_test(all_are_right_together)};

  if (argc > 1 && strcmp(argv[1], "crowded") == 0)
    take_all_windows();
  for (unsigned i = 0; i < PROLOGUES; i++)
    tests[i].initial_state = (void *)&prologues[i];
  return cmocka_run_group_tests(tests, NULL, NULL);
}
