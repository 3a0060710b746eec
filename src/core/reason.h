/* Why a site did not get a better entry. */
#ifndef CORE_REASON_H
#define CORE_REASON_H

enum entry_reason {
  REASON_NONE,
  REASON_SHORT,            /* for puns: the instruction is shorter than a jump */
  REASON_FORCED,
  REASON_NO_PUN,
  REASON_INTERIOR_TARGET,
  REASON_NO_ROOM,
  REASON_NO_MAPPINGS,
  REASON_NEXT_ENTRY,
  REASON_UNREADABLE,
  REASON_FRAGILE_TRACED,
  REASON_LEANED_ON,
  REASON_LANDING_PAD,
  REASON_FAR,
  REASON_EVICTS,
  REASON_REACHES_OVER,
  REASON_GIVES_WAY,
  REASON_LOOP_HEAD
};

/* One line of English, lower case, static; "" for REASON_NONE. */
const char *reason_text(enum entry_reason reason);

#endif
