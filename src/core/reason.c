/* Texts for entry reasons. */
#include "core/reason.h"

const char *reason_text(enum entry_reason reason)
{
  switch (reason) {
  case REASON_NONE:
    return "";
  case REASON_SHORT:
    return "the instruction is shorter than a jump, which therefore leans on the bytes behind it";
  case REASON_FORCED:
    return "a trap was asked for";
  case REASON_NO_PUN:
    return "the instruction is shorter than a jump, and SIGHOOK_NO_PUN forbids leaning on the bytes behind it";
  case REASON_INTERIOR_TARGET:
    return "a branch of the function leads into the middle of the instruction";
  case REASON_NO_ROOM:
    return "the instruction is shorter than a jump, and nothing is free where a jump in its place could land";
  case REASON_NO_MAPPINGS:
    return "the mappings that pages for such jumps may take are spent, a share of vm.max_map_count";
  case REASON_NEXT_ENTRY:
    return "the instruction is shorter than a jump, and a jump would lean on the next function's first bytes";
  case REASON_UNREADABLE:
    return "the instruction is shorter than a jump, and the bytes behind it cannot be read";
  case REASON_FRAGILE_TRACED:
    return "a debugger is attached, whose breakpoints could break the only jump that fits";
  case REASON_LEANED_ON:
    return "another site's jump leaned on bytes that had to change";
  case REASON_LANDING_PAD:
    return "the instruction is the landing pad of a guarded page, where a branch would be none, and no entry can stand behind it";
  case REASON_FAR:
    return "no memory is free within a branch's reach: the stub lies farther away, and goes back by a trap too";
  case REASON_EVICTS:
    return "the instruction is shorter than a jump, which therefore leans on one put in place of the next instruction";
  case REASON_REACHES_OVER:
    return "the instruction is shorter than a jump, which reaches over the next ones: branches to those meet traps";
  case REASON_GIVES_WAY:
    return "the jump of another instruction needs this one's bytes";
  case REASON_LOOP_HEAD:
    return "the instruction is shorter than a jump, and the next one, which could make room, is a loop's head";
  }
  return "";
}
