/* Breakpoints of the kernel's (uprobes) on the instructions that an entry leans on, on the hooked one and on others: there
 * before the hook comes, or set after it; each goes first in turn. The callback is called, the probe is met, and in the end the
 * code is what it was; or the library answers SIGHOOK_CONFLICT, and nothing has changed.
 *
 * The kernel knows of the file only. At a breakpoint it runs the instruction that the file has there; when the probe goes it
 * writes the byte that the file has there over the breakpoint, whatever stood before. So two things cannot be right, whatever a
 * library does:
 *  1. A probe comes on the hooked instruction: the file's instruction is run in place of our jump, so no callback is called
 *     while it stands. (On one that gave way nothing is lost: its jump leads to that instruction's copy only.)
 *  2. A probe goes that came on an instruction in whose place our jump stands, the hooked one or the one that gave way: now the
 *     file's byte stands before the rest of our jump. That does no harm where our jump begins with this very byte; where the
 *     hooked instruction has only the one (the hook is gone then, and its removal finds nothing to do); and on padding, with
 *     which the site's jump has another island. Else there is no instruction of anybody's any more, or the jump of the site,
 *     which leans on that byte, leads where nothing was free, or nothing would have had to give way. SIGHOOK_CONFLICT tells on
 *     removal, and this test does not run it. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include "hooks.h"
#include "trial.h"
#include "uprobes.h"

extern const uint8_t swallowed_before[];

static const struct target *target;
static unsigned taken;
static bool hook_goes_first;
static unsigned *tried;               /* by form, of all children */

static void call_by(int probe, long hits, bool met)
{
  long before = uprobe_hits(probe);

  must_call(hits);
  expect(uprobe_hits(probe) == before + met, "the probe was not met once");
}

static int set_probe(uintptr_t address)
{
  int probe;

  trial.broken = address;
  probe = uprobe_set(address);
  expect(probe < 0 || *(const volatile uint8_t *)address == BREAKPOINT, "no breakpoint is seen");
  return probe;
}

/* Whether the program comes by the probe behind the site. */
static bool comes_by(void)
{
  return trial.runs && !is_boundary(trial.broken);
}

/* Hook and probe stand, and both work; in the end neither is left. */
static void both_go(int probe, bool hook_first)
{
  uint8_t hooked[TRIAL_BYTES];

  call_by(probe, 1, comes_by());
  if (hook_first) {
    must_remove();
    call_by(probe, 0, comes_by());
    uprobe_clear(probe);
  } else {
    memcpy(hooked, trial_code(), TRIAL_BYTES);
    hooked[trial.broken - (uintptr_t)trial_code()] = trial_own_byte();
    uprobe_clear(probe);
    must_read(hooked, "the hook was changed");
    must_call(1);
    must_remove();
  }
  must_be_restored();
}

/* ---- on what is leaned on ---- */

static void set_behind_the_hook(void)
{
  trial_begin(target, taken);
  must_install();
  for (unsigned i = 1; i < trial.start_count && trial.starts[i] < trial.starts[0] + leaned_length(target); i++) {
    int probe = stands_ours(trial.starts[i]) ? -1 : set_probe(trial.starts[i]);

    if (probe < 0)
      continue;
    __atomic_fetch_add(&tried[form_of(target)], 1, __ATOMIC_RELAXED);
    both_go(probe, (i + taken + hook_goes_first) % 2);
    must_install();
  }
  must_remove();
  must_be_restored();
}

static void set_before_the_hook(void)
{
  trial_begin(target, taken);
  for (unsigned i = 1; i < trial.start_count && trial.starts[i] < trial.starts[0] + LOOK_BEHIND; i++) {
    int probe = set_probe(trial.starts[i]);

    if (probe < 0)
      continue;
    must_install();
    expect(trial.starts[0] + leaned_length(target) <= trial.broken, "the entry leans on a breakpoint");
    both_go(probe, (i + taken + hook_goes_first) % 2);
  }
}

/* ---- on what is changed ---- */

/* The probe is gone from where something of ours stood. */
static void gone_from_ours(const uint8_t hooked[TRIAL_BYTES], bool is_site)
{
  size_t at = trial.broken - (uintptr_t)trial_code(), length = length_at((uintptr_t)trial.original + at);
  uint8_t expected[TRIAL_BYTES];

  memcpy(expected, hooked, TRIAL_BYTES);
  expected[trial.broken - (uintptr_t)trial_code()] = trial_own_byte();
  must_read(expected, "not the file's byte before our own");
  if (trial_own_byte() == trial_byte_of(hooked)) {
    must_call(1);
    must_remove();
    must_be_restored();
    return;
  }
  if (is_site && (length == 1 || (trial.flags & SIGHOOK_FORCE_TRAP)))
    must_call(0);
  else if (is_boundary(trial.broken) && !trial_is_fragile())
    must_call(1);
  if (memcmp(expected + at, trial.original + at, length) != 0) {
    must_not_be_removed();
    return;
  }
  must_remove();                      /* the program's instruction stands there already */
  must_be_restored();
}

/* `is_site`: on what is hooked; else on what gave way. */
static void set_on_ours(const uint8_t *address, bool is_site)
{
  uint8_t hooked[TRIAL_BYTES];
  bool hidden;
  int probe;

  memcpy(hooked, trial_code(), TRIAL_BYTES);
  trial.broken = (uintptr_t)address;
  /* of what is to be removed nothing is changed by the probe */
  hidden = trial_byte_of(hooked) == trial_own_byte() || trial_byte_of(hooked) == BREAKPOINT;
  probe = hook_goes_first && !hidden ? -1 : set_probe(trial.broken);
  if (probe < 0)
    return;
  call_by(probe, !is_site, is_site || comes_by());
  if (!hidden)
    must_not_be_removed();
  if (hook_goes_first) {
    must_remove();
    must_call(0);
    uprobe_clear(probe);
    must_be_restored();
    return;
  }
  uprobe_clear(probe);
  gone_from_ours(hooked, is_site);
}

static void set_on_the_hooked(void)
{
  trial_begin(target, taken);
  must_install();
  set_on_ours(target->site, true);
}

static void set_on_the_trap(void)
{
  trial.flags = SIGHOOK_FORCE_TRAP;
  set_on_the_hooked();
}

static void set_on_what_gave_way(void)
{
  trial_begin(target, taken);
  must_install();
  if (!stands_ours((uintptr_t)target->next))
    return;
  __atomic_fetch_add(&tried[form_of(target)], 1, __ATOMIC_RELAXED);
  set_on_ours(target->next, false);
}

static void stands_where_the_hook_is_to_come(void)
{
  int probe;

  trial_begin(target, taken);
  probe = set_probe((uintptr_t)target->site);
  must_not_be_installed();
  call_by(probe, 0, true);
  uprobe_clear(probe);
  must_be_restored();
  must_install();
  must_call(1);
  must_remove();
  must_be_restored();
}

/* ---- on others ---- */

/* While a probe stands anywhere in a process, the kernel hands on all other breakpoints' signals in another way. */
static void stands_elsewhere(void)
{
  int probe;

  trial_begin(target, taken);
  trial.flags = SIGHOOK_FORCE_TRAP;
  probe = set_probe((uintptr_t)swallowed_before);
  must_install();
  call_by(probe, 1, false);
  must_remove();
  must_be_restored();
  uprobe_clear(probe);
}

static void stands_before_the_site(void)
{
  int probe;

  trial_begin(target, taken);
  probe = set_probe((uintptr_t)swallowed_before);
  must_install();
  both_go(probe, false);
}

/* ---- the whole ---- */

static void with(const struct target *one, unsigned room, void (*work)(void), bool *good)
{
  target = one;
  taken = room;
  if (in_child(work))
    return;
  fprintf(stderr, "... %s, %u forms taken\n", target->name, taken);
  *good = false;
}

enum rooms { EACH_ROOM, ONE_ROOM };

static void of_each(void (*work)(void), enum rooms rooms)
{
  bool good = true;

  for (unsigned i = 0; i < prey_count(); i++)
    for (unsigned room = 0; room < (rooms == ONE_ROOM ? 1 : prey_rooms(prey(i))); room++)
      with(prey(i), room, work, &good);
  assert_true(good);
}

/* What goes first takes turns; in the long run, and where it is worth it, both do everywhere. */
static void of_each_both_ways(void (*work)(void), enum rooms rooms, bool both)
{
  for (unsigned way = 0; way <= both; way++) {
    hook_goes_first = way;
    of_each(work, rooms);
  }
  hook_goes_first = false;
}

static void probes_that_come_after_the_hook(void **state)
{
  (void)state;
  memset(tried, 0, FORMS * sizeof *tried);
  of_each_both_ways(set_behind_the_hook, EACH_ROOM, getenv("SIGHOOK_LONG"));
  assert_true(tried[PUN_BARE] && tried[PUN_PREFIX] && tried[PUN_PREFIXES] && tried[EVICTS_NEXT]);
}

static void probes_that_stood_before_the_hook(void **state)
{
  (void)state;
  of_each_both_ways(set_before_the_hook, EACH_ROOM, getenv("SIGHOOK_LONG"));
}

static void probes_that_stand_where_the_hook_is_to_come(void **state)
{
  (void)state;
  of_each(stands_where_the_hook_is_to_come, ONE_ROOM);
}

static void probes_that_come_on_the_hooked(void **state)
{
  bool good = true;

  (void)state;
  of_each_both_ways(set_on_the_hooked, EACH_ROOM, true);
  for (unsigned i = prey_count() - 2; i < prey_count(); i++)
    for (unsigned way = 0; way < 2; way++) {
      hook_goes_first = way;
      with(prey(i), 0, set_on_the_trap, &good);
    }
  assert_true(good);
}

static void probes_that_come_on_what_gave_way(void **state)
{
  (void)state;
  memset(tried, 0, FORMS * sizeof *tried);
  of_each_both_ways(set_on_what_gave_way, EACH_ROOM, true);
  assert_true(tried[EVICTS_NEXT] && tried[REACHES_OVER]);
}

static void traps_while_a_probe_stands_elsewhere(void **state)
{
  bool good = true;

  (void)state;
  with(prey(0), 0, stands_elsewhere, &good);
  assert_true(good);
}

/* Instructions begin behind it where they did. */
static void hooks_behind_a_probe(void **state)
{
  bool good = true;

  (void)state;
  with(prey(prey_count() - 1), 0, stands_before_the_site, &good);
  assert_true(good);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(probes_that_come_after_the_hook),
      cmocka_unit_test(probes_that_stood_before_the_hook),
      cmocka_unit_test(probes_that_stand_where_the_hook_is_to_come),
      cmocka_unit_test(probes_that_come_on_the_hooked),
      cmocka_unit_test(probes_that_come_on_what_gave_way),
      cmocka_unit_test(traps_while_a_probe_stands_elsewhere),
      cmocka_unit_test(hooks_behind_a_probe),
  };

  if (!uprobes_work())
    return 77;                         /* a skip; the reason was the last line */
  tried = mmap(NULL, FORMS * sizeof *tried, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
