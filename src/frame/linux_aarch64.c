/* The signal frame of Linux on AArch64. */
#include "frame/frame.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>
#include <asm/sigcontext.h>
#include "core/site.h"
#include "host/host.h"

enum { LINK_REGISTER = 30, CLASS_SHIFT = 26, CLASS_BREAKPOINT = 0x3C };   /* ESR_EL1.EC of BRK (Arm ARM, D24.2.40) */

extern const char leave_trap[] __attribute__((visibility("hidden")));

static mcontext_t *registers(const void *ucontext)
{
  return &((ucontext_t *)ucontext)->uc_mcontext;
}

uintptr_t frame_pc(const void *ucontext)
{
  return registers(ucontext)->pc;
}

void frame_set_pc(void *ucontext, uintptr_t pc)
{
  registers(ucontext)->pc = pc;
  registers(ucontext)->pstate &= ~(UINT64_C(3) << 10);      /* BTYPE: it was the breakpoint's, which a landing pad may lack */
}

void frame_add_sp(void *ucontext, intptr_t bytes)
{
  registers(ucontext)->sp += (uintptr_t)bytes;
}

static void load(mcontext_t *to, const sighook_context *from)
{
  for (unsigned i = 0; i <= LINK_REGISTER; i++)
    to->regs[i] = from->x[i];
  to->sp = from->sp;
  to->pstate = (to->pstate & ~UINT64_C(0xF0000C00)) | (from->cpsr & 0xF0000000);
}

bool frame_finish(void *ucontext, const struct site *linking)
{
  mcontext_t *now = registers(ucontext);

  if (linking) {
    frame_set_pc(ucontext, now->regs[LINK_REGISTER]);
    now->regs[LINK_REGISTER] = site_next(linking);
    return true;
  }
  if (now->pc == (uintptr_t)leave_trap) {
    const sighook_context *context = (const sighook_context *)now->regs[HOST_FRAME_REGISTER];

    frame_set_pc(ucontext, context->pc);
    load(now, context);
    return true;
  }
  return false;
}

/* The kernel's record of the exception, where it left one (emulators may not). */
static const struct esr_context *find_syndrome(const mcontext_t *context)
{
  const uint8_t *at = (const uint8_t *)context->__reserved, *end = at + sizeof context->__reserved;

  while (at + sizeof(struct esr_context) <= end) {
    const struct _aarch64_ctx *head = (const struct _aarch64_ctx *)at;

    if (head->magic == ESR_MAGIC)
      return (const struct esr_context *)at;
    if (!head->magic || head->size < sizeof *head)
      break;
    at += head->size;
  }
  return NULL;
}

bool frame_is_breakpoint(int signal_number, const void *ucontext)
{
  const struct esr_context *syndrome = find_syndrome(registers(ucontext));

  if (signal_number != SIGTRAP)
    return false;
  if (syndrome)
    return syndrome->esr >> CLASS_SHIFT == CLASS_BREAKPOINT;
  return host_trap_stands(frame_pc(ucontext));
}
