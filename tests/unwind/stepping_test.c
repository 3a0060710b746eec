/* Hooked functions, each instruction of which has a hook, stepped through, with a signal at each step: what sighook_fix_context makes
 * of the signal's frame is a state that the unhooked function comes through, every general register and flag of it; and the
 * unwinder comes to the callers that it comes to from there, from stubs, captures and callbacks. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "traced.h"
#include "traced_machine.h"
#include "stepping_machine.h"

enum { INSNS_MAX = 40, CODE_MAX = 256, ROUTINES_MAX = 16384, LOOKS = 4 };

/* The first and what is behind the last of the capture's code. */
extern const char routine_integer[], host_call_callback[];
extern const char __executable_start[], etext[];

static struct way *plain, *hooked;
static const struct pattern *pattern;
static const char *way_name;
static unsigned looks[ROUTINES_MAX];
static uint8_t code[CODE_MAX];       /* the function's, unhooked */

static void callback(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
}

static void callback_end(void)
{
}

static bool within(uintptr_t pc, const void *from, const void *to)
{
  return pc >= (uintptr_t)from && pc < (uintptr_t)to;
}

static bool is_programs(uintptr_t pc)
{
  return within(pc, (const void *)pattern->function, pattern->end);
}

static bool is_of_test(uintptr_t pc)
{
  return within(pc, __executable_start, etext);
}

/* Where a signal is to arrive: in the function, and wherever we put code on its way; in captures at each place for some hits. */
static bool wanted(uintptr_t pc)
{
  if (within(pc, routine_integer, host_call_callback))
    return looks[pc - (uintptr_t)routine_integer]++ < LOOKS;
  return is_programs(pc) || sighook_original_pc(pc) != pc || within(pc, (const void *)callback, (const void *)callback_end);
}

static const uint8_t *code_at(uintptr_t pc)
{
  return code + (pc - (uintptr_t)pattern->function);
}

static bool same_state(sighook_context one, sighook_context other)
{
  if (is_programs(context_pc(&one)))
    machine_forget(code_at(context_pc(&one)), &one);
  if (is_programs(context_pc(&other)))
    machine_forget(code_at(context_pc(&other)), &other);
  return memcmp(&one, &other, sizeof one) == 0;
}

static const struct step *plain_step(const struct step *step)
{
  for (unsigned i = 0; i < plain->count; i++)
    if (same_state(plain->steps[i].context, step->context))
      return &plain->steps[i];
  return NULL;
}

/* Whether the last callers of one are all of the other's. */
static bool ends_with(const struct step *step, const struct step *other)
{
  return step->frames >= other->frames && memcmp(step->callers + (step->frames - other->frames), other->callers,
                                                 other->frames * sizeof *other->callers) == 0;
}

static bool ends_with_any(const struct step *step)
{
  for (unsigned i = 0; i < plain->count; i++)
    if (ends_with(step, &plain->steps[i]))
      return true;
  return false;
}

static void tell_nearest(const struct step *step)
{
  for (unsigned i = 0; i < plain->count; i++)
    if (context_pc(&plain->steps[i].context) == context_pc(&step->context))
      for (unsigned word = 0; word < sizeof step->context / 8; word++)
        if (((const uint64_t *)&plain->steps[i].context)[word] != ((const uint64_t *)&step->context)[word])
          print_error("  word %u of the context: %#lx, unhooked %#lx\n", word, ((const uint64_t *)&step->context)[word],
                      ((const uint64_t *)&plain->steps[i].context)[word]);
}

/* The unwinder has a branch that is taken, or a call, for the instruction itself, from where the callers are the same. */
static bool leads_there(uintptr_t pc, uintptr_t target)
{
  return is_programs(pc) && (machine_target(code_at(pc), pc) == target || machine_goes_further(code_at(pc), pc));
}

/* The caller of an island is the stub to which it leads. */
static bool is_island(const struct step *step, const struct step *same)
{
  return step->frames == same->frames + 2 && *(const uint8_t *)step->pc == MACHINE_ISLAND &&
         sighook_original_pc(step->callers[1]) == step->original_pc;
}

static bool callers_are_right(const struct step *step, const struct step *same)
{
  unsigned island = is_island(step, same), frames = step->frames - island;
  unsigned called = same->frames + 1 - frames;             /* 1: it is where a call leads */
  const uintptr_t *callers = step->callers + island;

  return called <= 1 && (leads_there(callers[1], same->callers[0]) || (callers[1] == same->callers[0] && !called)) &&
         memcmp(callers + 2, same->callers + 1 + called, (frames - 2) * sizeof *same->callers) == 0;
}

static const struct step *check_state(const struct step *step)
{
  const struct step *same = plain_step(step);

  if (!same) {
    tell_nearest(step);
    fail_msg("%s, %s: no such state unhooked: pc %#lx, for %#lx + %ld", pattern->name, way_name, (long)step->pc,
             (long)pattern->function, (long)(context_pc(&step->context) - (uintptr_t)pattern->function));
  }
  return same;
}

static void check_stub(const struct step *step)
{
  const struct step *same = check_state(step);

  if (step->original_pc != context_pc(&step->context))
    assert_true(machine_goes_further(code_at(step->original_pc), step->original_pc));
  if (!callers_are_right(step, same))
    fail_msg("%s, %s: %u callers of pc %#lx, unhooked %u", pattern->name, way_name, step->frames, (long)step->pc, same->frames);
}

static unsigned check_steps(void)
{
  unsigned in_stubs = 0;

  assert_true(plain->count < STEPS_MAX && hooked->count < STEPS_MAX);
  for (unsigned i = 0; i < hooked->count; i++) {
    const struct step *step = &hooked->steps[i];

    if (step->original_pc != step->pc) {
      in_stubs++;
      check_stub(step);
      continue;
    }
    if (within(step->pc, routine_integer, host_call_callback))
      check_state(step);
    if (!ends_with_any(step)) {
      for (unsigned n = 0; n < step->frames; n++)
        print_error("  %#lx\n", (long)step->callers[n]);
      fail_msg("%s, %s: the callers of pc %#lx (captures from %#lx) end otherwise than unhooked", pattern->name, way_name,
               (long)step->pc, (long)(uintptr_t)routine_integer);
    }
  }
  return in_stubs;
}

static unsigned hook_all(const sighook_spec *spec, sighook_hook hooks[INSNS_MAX])
{
  uintptr_t starts[INSNS_MAX];
  unsigned insns = machine_starts(pattern, starts, INSNS_MAX), count = 0;

  for (unsigned i = insns; i-- > 0;) {
    sighook_spec own = *spec;

    own.address = starts[i];
    count += sighook_install(&own, &hooks[count]) == SIGHOOK_OK;
  }
  return count;
}

/* Both ways by one call, as its caller is among those that are compared. */
static void check_pattern(const sighook_spec *spec)
{
  sighook_hook hooks[INSNS_MAX];
  struct way *ways[] = {plain, hooked};
  unsigned count = 0;

  memcpy(code, (const void *)pattern->function, (size_t)(pattern->end - (const uint8_t *)pattern->function));
  for (volatile unsigned i = 0; i < 2; i++) {      /* volatile: not unrolled */
    if (i)
      count = hook_all(spec, hooks);
    traced_call((const void *)pattern->function, i ? wanted : is_of_test, ways[i]);
  }
  assert_true(count > 0);
  assert_int_equal(hooked->result, plain->result);
  assert_true(check_steps() > count);
  while (count-- > 0)
    assert_int_equal(sighook_remove(hooks[count]), SIGHOOK_OK);
}

/* Of many functions each way has some, others than the next way, where steps are slow. */
static void check_all(const char *name, sighook_handler handler, uint32_t flags)
{
  static unsigned ways;
  unsigned sample = getenv("SIGHOOK_LONG") ? 1 : MACHINE_SAMPLE, index = ways++;

  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = handler, .flags = flags};

  way_name = name;
  assert_true(host_call_callback - routine_integer < ROUTINES_MAX);
  memset(looks, 0, sizeof looks);
  plain = plain ? plain : traced_way();
  hooked = hooked ? hooked : traced_way();
  for (pattern = machine_first_pattern(); pattern; pattern = machine_next_pattern(pattern))
    if (!machine_leaves_out(pattern) && index++ % sample == 0)
      check_pattern(&spec);
}

static void states_and_callers_are_right_at_each_step_of_branch_entries(void **state)
{
  (void)state;
  check_all("branches", callback, 0);
}

static void states_and_callers_are_right_at_each_step_of_an_integer_capture(void **state)
{
  (void)state;
  check_all("integer", callback, SIGHOOK_INTEGER_ONLY);
}

static void states_and_callers_are_right_at_each_step_of_trap_entries(void **state)
{
  (void)state;
  check_all("traps", callback, SIGHOOK_FORCE_TRAP);
}

static void states_and_callers_are_right_at_each_step_of_counting(void **state)
{
  (void)state;
  check_all("counters", NULL, SIGHOOK_COUNT);
}

static void states_and_callers_are_right_at_each_step_of_counting_and_calling(void **state)
{
  (void)state;
  check_all("counters with a handler", callback, SIGHOOK_COUNT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(states_and_callers_are_right_at_each_step_of_branch_entries),
      cmocka_unit_test(states_and_callers_are_right_at_each_step_of_an_integer_capture),
      cmocka_unit_test(states_and_callers_are_right_at_each_step_of_trap_entries),
      cmocka_unit_test(states_and_callers_are_right_at_each_step_of_counting),
      cmocka_unit_test(states_and_callers_are_right_at_each_step_of_counting_and_calling),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
