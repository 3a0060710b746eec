/* What is found out of an address before anything is made. */
#ifndef CORE_EXAMINE_H
#define CORE_EXAMINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/plan.h"
#include "core/site.h"
#include "error.h"

struct examination {
  uint8_t code[32];                  /* the program's own bytes from there on */
  size_t readable;
  uintptr_t low, high;               /* where a stub may lie */
  uintptr_t next_entry;
  uintptr_t function_end;            /* 0: unknown */
  bool interior_target;
  bool known_start;                  /* an instruction certainly begins there */
  bool is_head;                      /* of a loop, or a function */
  bool is_target;                    /* of a branch of the function */
  bool is_padding;                   /* between functions */
  uint8_t length;                    /* of the instruction to be displaced, code[shift] on */
  uint8_t shift;
  bool signs;
  bool far;                          /* the stub may lie anywhere, and traps lead there and back */
};

/* Whether `address` can be hooked, and what stands there. */
sighook_status examine(struct plan *plan, uintptr_t address, uint32_t flags, struct examination *found, struct error *error);

/* The same where no memory is free within reach: for a stub anywhere, and a trap, which may stand on a landing pad. */
sighook_status examine_far(struct plan *plan, uintptr_t address, uint32_t flags, struct examination *found, struct error *error);

#endif
