/* The soak: what is hooked, who runs it, and who changes it. */
#ifndef TESTS_HOSTS_SOAK_H
#define TESTS_HOSTS_SOAK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sighook/sighook.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What no run survives. */
#define SOAK_REQUIRE(condition)                                                                                                 \
  do {                                                                                                                          \
    if (!(condition))                                                                                                           \
      soak_fail(__FILE__, __LINE__, #condition);                                                                                \
  } while (0)
__attribute__((noreturn)) void soak_fail(const char *file, int line, const char *condition);

bool soak_is_over(void);

/* ---- what is hooked ---- */

/* Target `which` of an argument is the argument times which + 3, plus which; replaced, 1000 more. */
enum { SOAK_TARGETS = 16 };
extern long (*const soak_targets[SOAK_TARGETS])(long value);
void soak_check_target(unsigned which, long value);

/* The argument times five plus three; two a runner, whom alone they are called by. */
enum { SOAK_RUNNERS = 3, SOAK_OWN_TARGETS = 2 * SOAK_RUNNERS };
extern long (*const soak_own_targets[SOAK_OWN_TARGETS])(long value);

/* The argument plus one; hooked by callbacks that throw and by ones that jump. */
long soak_throws_plain(long value);
long soak_jumps_plain(long value);
void soak_throw_it(sighook_context *context, void *user);
void soak_jump_out(sighook_context *context, void *user);
/* Throws where the argument is odd. */
long soak_throwing(long value);

/* By machine: loads what is not there, meets a breakpoint of the program's own, tells a number that is patched. */
long soak_load(const long *from);
void soak_own_trap(void);
long soak_number(void);
extern const char soak_load_end[], soak_number_end[];

/* ---- who runs it: each takes one step by chance ---- */

void soak_run(uint64_t *chance);
void soak_run_cpp(uint64_t *chance);
void soak_start_signals(void);
unsigned long soak_signals(void);

/* Hooks of a runner on its own targets: each hit is counted, and none but those. */
struct own;
struct own *soak_new_own(unsigned runner);
void soak_run_own(struct own *own, uint64_t *chance);
void soak_end_own(struct own *own, uint64_t *chance);

/* ---- what handlers look at ---- */

/* A handler that finds poison looks at what a removal was waited for. */
#define SOAK_POISON (1ul << 62)
struct soak_seen {
  unsigned long hits;
};
void soak_see(sighook_context *context, void *user);
/* Removes the hook and waits; poisons what it looked at, and is true, where that succeeded in time. */
bool soak_remove_wait(sighook_hook hook, struct soak_seen *seen, uint32_t timeout_ms);
/* How often that was done, and how often in vain. */
unsigned long soak_waits(unsigned long *in_vain);

/* ---- who changes it ---- */

/* Hooks of one thread; it starts and ends without any. */
struct changer;
struct changer *soak_new_changer(void);
void soak_change(struct changer *changer, uint64_t *chance);
void soak_stop_changing(struct changer *changer);
unsigned long soak_changes(void);
unsigned long soak_hits_of_changers(void);
/* In a child that has threads no more. */
void soak_change_in_child(uint64_t *chance);

#ifdef __cplusplus
}
#endif

#endif
