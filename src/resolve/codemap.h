/* What is known of the code at an address: its function by the unwind tables, where instructions begin, where the function's
 * own branches lead. Under the library's lock. */
#ifndef RESOLVE_CODEMAP_H
#define RESOLVE_CODEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

enum boundary { BOUNDARY_UNKNOWN, BOUNDARY_YES, BOUNDARY_NO };

struct code_facts {
  bool has_function;
  uintptr_t function_start, function_end;
  uintptr_t next_entry;             /* the lowest known function entry above the address; UINTPTR_MAX where unknown */
  enum boundary boundary;           /* whether an instruction begins at the address */
  uintptr_t instruction_start;      /* BOUNDARY_NO: the instruction that the address is inside of */
  uintptr_t interior_target;        /* 0, or where a branch leads strictly inside the instruction at the address */
};

/* `length` is that of the instruction at `address`; its first bytes are code[]. */
sighook_status codemap_facts(uintptr_t address, const uint8_t *code, size_t length, struct code_facts *facts,
                             struct error *error);

#endif
