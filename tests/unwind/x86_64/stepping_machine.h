/* The functions that are stepped through on x86-64: tests/live/patterns.S. */
#ifndef TESTS_UNWIND_STEPPING_MACHINE_H
#define TESTS_UNWIND_STEPPING_MACHINE_H

#include <string.h>
#include "isa/x86_64/insn.h"
#include "traced.h"

enum { MACHINE_ISLAND = 0xE9, MACHINE_SAMPLE = 1 };      /* an island's first byte; all functions */

struct pattern {
  const char *name;
  long (*function)(long);
  const uint8_t *end;
};
extern const struct pattern patterns[], own_patterns[];

static inline const struct pattern *machine_first_pattern(void)
{
  return patterns;
}

static inline const struct pattern *machine_next_pattern(const struct pattern *pattern)
{
  pattern++;
  if (!pattern->name && (pattern < own_patterns || pattern > own_patterns + 2))
    return own_patterns;
  return pattern->name ? pattern : NULL;
}

/* The flags that are changed there are those with which the kernel steps; two instructions overlap; the answer is another each time. */
static inline bool machine_leaves_out(const struct pattern *pattern)
{
  return strcmp(pattern->name, "alignment_check_flag") == 0 || strcmp(pattern->name, "direction_flag") == 0 ||
         strcmp(pattern->name, "over_a_lock_prefix") == 0 || strcmp(pattern->name, "system_call") == 0;
}

static inline unsigned machine_starts(const struct pattern *pattern, uintptr_t *starts, unsigned room)
{
  const uint8_t *at = (const uint8_t *)pattern->function;
  unsigned count = 0;
  struct x64_insn insn;

  for (; at < pattern->end && count < room && x64_decode(at, X64_INSN_MAX, (uintptr_t)at, &insn); at += insn.length)
    starts[count++] = (uintptr_t)at;
  return count;
}

static inline uintptr_t machine_target(const uint8_t *code, uintptr_t pc)
{
  struct x64_insn insn;

  return x64_decode(code, X64_INSN_MAX, pc, &insn) && insn.has_target ? insn.target : 0;
}

/* Every register is told. */
static inline void machine_forget(const uint8_t *code, sighook_context *context)
{
  (void)code;
  (void)context;
}

static inline bool machine_goes_further(const uint8_t *code, uintptr_t pc)
{
  (void)code;
  (void)pc;
  return false;
}

#endif
