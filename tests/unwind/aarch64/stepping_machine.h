/* The functions that are stepped through on AArch64: tests/live/patterns_aarch64*.S. */
#ifndef TESTS_UNWIND_STEPPING_MACHINE_H
#define TESTS_UNWIND_STEPPING_MACHINE_H

#include <string.h>
#include "isa/aarch64/insn.h"
#include "traced.h"

enum { MACHINE_ISLAND = 0, MACHINE_SAMPLE = 12, WORD = 4 };        /* there are none; one function in so many */

struct pattern {
  const char *name;
  long (*function)(long);
  const uint8_t *end;
  uintptr_t refused_from, refused_to;
  uint64_t needs;
};
extern const struct pattern __start_pattern_table[], __stop_pattern_table[];

static inline const struct pattern *machine_first_pattern(void)
{
  return __start_pattern_table;
}

static inline const struct pattern *machine_next_pattern(const struct pattern *pattern)
{
  return pattern + 1 < __stop_pattern_table ? pattern + 1 : NULL;
}

/* A step makes an exclusive sequence fail; some need a processor that has more; the answer is another each time; or the return
 * address is not where the function's own unwind table has it. */
static inline bool machine_leaves_out(const struct pattern *pattern)
{
  return strncmp(pattern->name, "exclusive", 9) == 0 || pattern->needs || strcmp(pattern->name, "system_call") == 0 ||
         strstr(pattern->name, "link") || strstr(pattern->name, "signed") ||
         strcmp(pattern->name, "bl_first") == 0;
}

static inline unsigned machine_starts(const struct pattern *pattern, uintptr_t *starts, unsigned room)
{
  unsigned count = 0;

  for (uintptr_t at = (uintptr_t)pattern->function; at < (uintptr_t)pattern->end && count < room; at += WORD)
    starts[count++] = at;
  return count;
}

static inline void machine_decode(const uint8_t *code, uintptr_t pc, struct a64_insn *insn)
{
  uint32_t word;

  memcpy(&word, code, sizeof word);
  a64_decode(word, pc, insn);
}

static inline uintptr_t machine_target(const uint8_t *code, uintptr_t pc)
{
  struct a64_insn insn;

  machine_decode(code, pc, &insn);
  return insn.has_target ? insn.target : 0;
}

/* The register that a literal is loaded into holds its address in between. */
static inline void machine_forget(const uint8_t *code, sighook_context *context)
{
  struct a64_insn insn;

  machine_decode(code, context->pc, &insn);
  if (insn.kind == A64_LDR_LITERAL && insn.rd != 31)
    context->x[insn.rd] = 0;
}

/* Whether sighook_fix_context goes further than sighook_original_pc can tell: to where an indirect call leads. */
static inline bool machine_goes_further(const uint8_t *code, uintptr_t pc)
{
  struct a64_insn insn;

  machine_decode(code, pc, &insn);
  return insn.kind == A64_BLR;
}

#endif
