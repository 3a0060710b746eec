/* For gdb_test.sh: runs under gdb and has it set and delete breakpoints, on each instruction that an entry leans on and on the
 * hooked one, before the hook comes or after. The callback is called, gdb stops there, and in the end the code is what it was;
 * or the library answers SIGHOOK_CONFLICT, and nothing has changed.
 *   gdb_target RESULTS started|traps|attached|passed ROOM
 *
 * gdb takes its breakpoints out of memory whenever the program stops, and puts back the bytes that it read when it put them in:
 * its own never outlive a stop of the program. What it lets the program step over is what stood there, our jump where there is
 * one: so a breakpoint on a hooked instruction costs no callback. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "os/threads.h"
#include "trial.h"

enum { NOTHING, SET, DELETE, SECONDS = 60, TRIALS = 32 };

/* What gdb is asked at its breakpoint on `ask`, and how often it stopped at the one that it set for us. */
volatile int asked;
volatile unsigned long asked_address;
volatile long stops;
volatile int over_trap;                /* that one stands over a trap of ours */

static FILE *results;
static unsigned tried[FORMS];

__attribute__((noinline)) void ask(void)
{
  __asm__ volatile("" ::: "memory");
}

static void set_breakpoint(uintptr_t address)
{
  trial.broken = asked_address = address;
  over_trap = stands_ours(address) && *(const volatile uint8_t *)address == BREAKPOINT;
  asked = SET;
  ask();
}

static void delete_breakpoint(void)
{
  asked = DELETE;
  ask();
}

/* How often the program comes by the breakpoint in a call. */
static bool comes_by(void)
{
  return trial.broken == trial.starts[0] || (trial.runs && !is_boundary(trial.broken));
}

/* Where a trap stopped the program right before its breakpoint, gdb sets another there, for the return of the handler, and
 * waits for that: in vain where nothing is run, and the breakpoint stays. */
static bool is_waited_for(void)
{
  return !trial.runs && form_of(trial.target) == OTHER_FORM && trial.broken == trial.starts[0] + 1;
}

static void call_by(long hits, bool met)
{
  long before = stops;

  if (is_waited_for())
    return;
  must_call(hits);
  expect(stops == before + met, "gdb did not stop once");
}

/* ---- set before ---- */

static void set_before_the_hook(uintptr_t address, bool hook_goes_first)
{
  set_breakpoint(address);
  if (address == trial.starts[0]) {
    must_not_be_installed();
    call_by(0, true);
    delete_breakpoint();
    must_be_restored();
    return;
  }
  must_install();
  expect(trial.starts[0] + leaned_length(trial.target) <= address, "the entry leans on a breakpoint");
  call_by(1, comes_by());
  if (hook_goes_first) {
    must_remove();
    call_by(0, comes_by());
    delete_breakpoint();
  } else {
    delete_breakpoint();
    must_call(1);
    must_remove();
  }
  must_be_restored();
}

/* ---- set after ---- */

/* Whether a breakpoint at `broken` shows when the hook is to be removed. */
static bool shows(const uint8_t hooked[TRIAL_BYTES])
{
  return trial_byte_of(hooked) != trial_own_byte() && !over_trap;
}

/* Over a trap of ours nothing shows, so the removal is not refused; and when gdb's breakpoint goes, or is stepped over, it puts
 * our trap back, whatever came meanwhile. No library can help that: here the trap is taken away for the rest of the test. */
static void take_trap_away(void)
{
  uint8_t expected[TRIAL_BYTES], own = trial_own_byte();
  FILE *memory = fopen("/proc/self/mem", "r+e");

  memcpy(expected, trial.original, TRIAL_BYTES);
  expected[trial.broken - (uintptr_t)trial_code()] = BREAKPOINT;
  must_read(expected, "not the trap that gdb puts back");
  expect(memory && fseek(memory, (long)trial.broken, SEEK_SET) == 0 && fwrite(&own, 1, 1, memory) == 1 && fclose(memory) == 0,
         "no way to write to code");
}

static void remove_before_breakpoint(void)
{
  must_remove();
  if (!over_trap)
    call_by(0, comes_by());
  delete_breakpoint();
  if (over_trap)
    take_trap_away();
  must_be_restored();
}

static void set_behind_the_hook(uintptr_t address, bool hook_goes_first)
{
  uint8_t hooked[TRIAL_BYTES];

  memcpy(hooked, trial_code(), TRIAL_BYTES);
  set_breakpoint(address);
  expect(*(const volatile uint8_t *)address == BREAKPOINT, "no breakpoint is seen");
  call_by(1, comes_by());
  if (hook_goes_first && !shows(hooked)) {
    remove_before_breakpoint();
    return;
  }
  if (hook_goes_first) {
    must_not_be_removed();
    call_by(1, comes_by());
  }
  delete_breakpoint();
  must_read(hooked, "the hook was changed");
  must_call(1);
  must_remove();
  must_be_restored();
}

static void all_behind_the_hook(bool installed)
{
  for (unsigned i = 0; i < trial.start_count; i++)
    for (unsigned first = 0; first < 2; first++) {
      if (!installed)
        must_install();
      installed = true;
      if (trial.starts[i] >= trial.starts[0] + leaned_length(trial.target))
        continue;
      tried[form_of(trial.target)]++;
      if (trial_is_fragile())
        continue;
      set_behind_the_hook(trial.starts[i], first);
      installed = false;
    }
  if (installed)
    must_remove();
  must_be_restored();
}

static void all_before_the_hook(void)
{
  for (unsigned i = 0; i < trial.start_count; i++)
    for (unsigned first = 0; first < 2 && trial.starts[i] < trial.starts[0] + LOOK_BEHIND; first++)
      set_before_the_hook(trial.starts[i], first);
}

/* ---- the whole ---- */

/* Each form was met in one room at least: it is known in which. */
static void say_done(const char *what, unsigned room)
{
  unsigned prefixed = tried[PUN_PREFIX] + tried[PUN_PREFIXES] + tried[PUN_OVERRIDE];

  expect(trial.flags || room != 0 || tried[PUN_BARE], "no bare pun was tried");
  expect(trial.flags || room != 1 || (tried[REACHES_OVER] && tried[PUN_PREFIX]), "no prefix or no reaching over was tried");
  expect(trial.flags || room != 2 || tried[EVICTS_NEXT] || tried[REACHES_OVER] || prefixed, "no evicting jump was tried");
  fprintf(results, "ok - %s, %u forms taken: %u bare, %u and %u prefixed, %u evict the next, %u reach over it, %u others\n", what, room,
          tried[PUN_BARE], tried[PUN_PREFIX], tried[PUN_PREFIXES], tried[EVICTS_NEXT], tried[REACHES_OVER], tried[OTHER_FORM]);
}

static void wait_for_gdb(void)
{
  fprintf(results, "ready\n");
  fflush(results);
  while (!os_traced())
    usleep(1000);
}

static void started(unsigned room)
{
  for (unsigned i = 0; i < prey_count(); i++)
    if (room < prey_rooms(prey(i))) {
      trial_begin(prey(i), room);
      all_before_the_hook();
      all_behind_the_hook(false);
    }
  say_done(trial.flags ? "traps under gdb" : "gdb started the program", room);
}

static void started_with_traps(unsigned room)
{
  trial.flags = SIGHOOK_FORCE_TRAP;
  started(room);
}

/* The hooks are there when gdb comes. */
static void attached(unsigned room)
{
  static struct trial trials[TRIALS];
  unsigned count = 0;

  for (unsigned i = 0; i < prey_count(); i++)
    if (room < prey_rooms(prey(i))) {
      trial_begin(prey(i), room);
      must_install();
      trials[count++] = trial;
    }
  wait_for_gdb();
  for (unsigned i = 0; i < count; i++) {
    trial = trials[i];
    all_behind_the_hook(true);
  }
  say_done("gdb attached to the program", room);
}

/* Entries that are traps, for a gdb that passes SIGTRAP and has no breakpoint but where it listens for new memory of stubs, which is
 * there before it comes. */
static void passed(unsigned room)
{
  trial_begin(prey(0), room);
  must_install();
  must_remove();
  wait_for_gdb();
  for (unsigned i = 0; i < prey_count(); i++) {
    trial_begin(prey(i), room);
    trial.flags = SIGHOOK_FORCE_TRAP;
    must_install();
    must_call(1);
    must_remove();
    must_be_restored();
  }
  fprintf(results, "ok - traps under a gdb that passes SIGTRAP\n");
}

int main(int count, char **arguments)
{
  static const struct {
    const char *name;
    void (*run)(unsigned room);
  } ways[] = {{"started", started}, {"traps", started_with_traps}, {"attached", attached}, {"passed", passed}};

  if (count != 4 || !(results = fopen(arguments[1], "ae")))
    return 2;
  alarm(SECONDS);                      /* nothing is left behind where gdb does not come */
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
    if (strcmp(arguments[2], ways[i].name) == 0)
      ways[i].run((unsigned)atoi(arguments[3]));
  return fclose(results) != 0;
}
