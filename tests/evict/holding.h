/* A thread that is held, as by a debugger, anywhere on its way through hooked code, while another thread of its process installs
 * or removes; then it goes on. After cmocka.h. */
#ifndef TESTS_EVICT_HOLDING_H
#define TESTS_EVICT_HOLDING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sighook/sighook.h>

/* Both processes see it. */
struct holding_shared {
  atomic_int command;                 /* 0: none is under way */
  atomic_int worker, call, done;      /* the worker's thread id; a call asked for; and made */
  long result;
  unsigned target, way;               /* what is called, and how: as the test likes */
  bool failed;
};
extern struct holding_shared *shared;

enum { HOLDING_ARGUMENT = 5 };

/* What the test does in the child: before anything else, on commands of its own, and as the call that is held. */
struct holding {
  void (*prepare)(void);
  sighook_status (*obey)(int command);
  long (*call)(void);
};

void holding_start(const struct holding *holding);
void holding_end(void);

/* Has the child do it; to come back without a failure. */
void holding_command(int command);

/* Has the worker call, and holds it `steps` behind the instruction at `from`. False where its call has ended by then. */
bool holding_call(uintptr_t from, unsigned steps);

/* The same where it has raised a signal of the library's, which is still to be handled. False where it raised none. */
bool holding_call_to_signal(void);

/* Where it is held. */
uintptr_t holding_at(void);

/* Lets it go on to the end of its call, whose result is shared. False where that kills it. */
bool holding_finish(void);

/* Fails the test, telling where it was held, unless the worker goes on to the right result. */
void holding_finish_right(const char *name, const char *during, long expected);

/* A hook with nothing but a counter. */
sighook_status holding_install(const uint8_t *address, sighook_hook *hook);
sighook_status holding_remove_both(sighook_hook one, sighook_hook other);

#endif
