/* A call that is stepped through: at each instruction on its way a signal arrives, whose handler looks at where the thread stands as
 * a profiler would. After cmocka.h. */
#ifndef TESTS_UNWIND_TRACED_H
#define TESTS_UNWIND_TRACED_H

#include <stdbool.h>
#include <stdint.h>
#include <sighook/sighook.h>

enum { FRAMES_MAX = 24, STEPS_MAX = 3000 };

struct step {
  uintptr_t pc;                       /* where the signal found the thread */
  uintptr_t original_pc;              /* as sighook_original_pc tells */
  sighook_context context;            /* as sighook_fix_context leaves it */
  unsigned frames;
  uintptr_t callers[FRAMES_MAX];      /* as the unwinder tells, pc first */
};

struct way {
  unsigned count;
  bool ended;                         /* the call came back */
  long result;
  struct step steps[STEPS_MAX];
};

/* Calls `function` with every register filled, in a child; `wanted` says at which pcs a signal is to arrive. */
void traced_call(const void *function, bool (*wanted)(uintptr_t pc), struct way *way);

/* Memory for one, which both processes see. */
struct way *traced_way(void);

#endif
