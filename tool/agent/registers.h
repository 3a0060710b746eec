/* Registers in captures and signal frames; tool/<architecture>/registers.c has what differs, and registers_layout.h the numbers:
 * REGISTERS of a frame, which lie side by side; REGISTER_PC, which of them is the pc. */
#ifndef AGENT_REGISTERS_H
#define AGENT_REGISTERS_H

#include <stdint.h>
#include <sighook/context.h>
#include "arch.h"
#include "registers_layout.h"

/* The integer registers, flags and pc of a signal frame. */
uint64_t *registers_of(void *ucontext);
/* Writes those of a capture into a signal frame. */
void registers_show(void *ucontext, const sighook_context *context);

/* At a system call. */
uint32_t call_number(const sighook_context *context);
/* The length of one. */
extern const uint32_t call_length;
uint64_t call_argument(const sighook_context *context, unsigned index);

/* Goes on that far behind the site. */
void call_go_behind(sighook_context *context, uint32_t length);

#endif
