/* What is known of the code at an address: its function by the unwind tables or the exported symbols, where
 * instructions begin, where the function's own branches lead. Code is read with our own entries and patches undone.
 * Under the library's lock. */
#ifndef RESOLVE_CODEMAP_H
#define RESOLVE_CODEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

enum boundary {
  BOUNDARY_UNKNOWN,
  BOUNDARY_YES,
  BOUNDARY_NO
};

struct code_facts {
  bool has_function;
  uintptr_t function_start, function_end;
  uintptr_t next_entry;        /* the lowest known function entry above the address; UINTPTR_MAX where unknown */
  enum boundary boundary;      /* whether an instruction begins at the address */
  bool is_head;                /* BOUNDARY_YES: the head of a loop, as a branch of the function leads back there, or the entry */
  bool is_target;              /* BOUNDARY_YES: a direct branch of the function leads there, or it is the entry */
  bool is_padding;             /* BOUNDARY_YES: behind a function's end, and nothing that does anything up to the next entry */
  uintptr_t instruction_start; /* BOUNDARY_NO: the instruction that the address is inside of */
  uintptr_t interior_target;   /* 0, or where a branch leads strictly inside the instruction at the address */
  uintptr_t enclosing;         /* BOUNDARY_YES: 0, or another real instruction that this one lies inside of, as the one
                                  behind a `lock` that branches skip: changing one changes the other */
};

/* `length` is that of the instruction at `address`; its first bytes are code[]. */
sighook_status codemap_facts(uintptr_t address, const uint8_t *code, size_t length, struct code_facts *facts,
                             struct error *error);

/* For an address of which is_head was told last: whether control that leaves it can come back, by the function's direct branches, or
 * that cannot be ruled out. Else several ways lead back to one end that they share, as compilers lay out the handling of errors. */
bool codemap_is_loop(uintptr_t address);

/* Forgets what was learnt, freeing nothing: for a process forked while another thread was in here. */
void codemap_forget(void);

#endif
