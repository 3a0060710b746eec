/* The signal frame of Linux on AArch64. */
#include "frame/linux.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>
#include "core/shape.h"
#include "isa/aarch64/encode.h"
#include "isa/aarch64/relocate.h"

extern const char leave_trap[] __attribute__((visibility("hidden")));

#define FLAGS UINT64_C(0xF0000000)

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

void frame_read(const void *ucontext, sighook_context *context)
{
  for (unsigned i = 0; i <= A64_LR; i++)
    context->x[i] = registers(ucontext)->regs[i];
  context->sp = registers(ucontext)->sp;
  context->pc = registers(ucontext)->pc;
  context->cpsr = (uint32_t)(registers(ucontext)->pstate & FLAGS);
}

void frame_write(void *ucontext, const sighook_context *context)
{
  for (unsigned i = 0; i <= A64_LR; i++)
    registers(ucontext)->regs[i] = context->x[i];
  registers(ucontext)->sp = context->sp;
  registers(ucontext)->pstate = (registers(ucontext)->pstate & ~FLAGS) | (context->cpsr & FLAGS);
  frame_set_pc(ucontext, context->pc);
}

static void load(mcontext_t *to, const sighook_context *from)
{
  for (unsigned i = 0; i <= A64_LR; i++)
    to->regs[i] = from->x[i];
  to->sp = from->sp;
  to->pstate = (to->pstate & ~(FLAGS | UINT64_C(0xC00))) | (from->cpsr & FLAGS);
}

/* As a branch to a tagged address drops the tag (Arm ARM, D8.8.1). */
static uintptr_t without_tag(uintptr_t address)
{
  return address & (UINT64_C(1) << 55) ? address : address & (UINT64_MAX >> 8);
}

/* At a breakpoint of the site's stub that stands for a branch. */
static bool finish_branch(void *ucontext, const struct site *site)
{
  mcontext_t *now = registers(ucontext);
  uint32_t word = *(const uint32_t *)now->pc;

  if (word == a64_encode_brk(A64_LINK_TRAP)) {
    frame_set_pc(ucontext, without_tag(now->regs[A64_LR]));
    now->regs[A64_LR] = site_next(site);
    return true;
  }
  if (word == a64_encode_brk(A64_FAR_BRANCH)) {
    frame_set_pc(ucontext, shape_pc(site, now->pc - site->stub));
    return true;
  }
  return false;
}

bool frame_finish(void *ucontext, const struct site *site)
{
  mcontext_t *now = registers(ucontext);

  if (site)
    return finish_branch(ucontext, site);
  if (now->pc == (uintptr_t)leave_trap) {
    const sighook_context *context = (const sighook_context *)now->regs[HOST_FRAME_REGISTER];

    frame_set_pc(ucontext, without_tag(context->pc));
    load(now, context);
    return true;
  }
  return false;
}

/* By si_code: the kernel keeps no record of a breakpoint in the frame (brk_handler sets no fault_code, so that the ESR there is
 * none or an older fault's), and the breakpoint itself may be gone since. One whose place an asynchronous SIGTRAP took is met
 * again, as the pc is at it. */
enum frame_trap frame_trap(int signal_number, const void *siginfo, const void *ucontext, uintptr_t *address)
{
  *address = frame_pc(ucontext);
  if (signal_number != SIGTRAP ||
      (siginfo ? ((const siginfo_t *)siginfo)->si_code != TRAP_BRKPT : !host_insn_is_breakpoint((const uint8_t *)*address)))
    return FRAME_NO_TRAP;
  return FRAME_BREAKPOINT;
}

/* The siginfo, the ucontext, further registers where there are many, and the frame record (arch/arm64/kernel/signal.c). */
bool frame_find(const void *ucontext, uintptr_t record, struct frame_place *place)
{
  place->start = (uintptr_t)ucontext - sizeof(siginfo_t);
  place->end = record + 2 * sizeof(uint64_t);
  place->interrupted = registers(ucontext)->sp;
  place->free = place->interrupted;
  return record > (uintptr_t)ucontext;
}

/* struct extra_context, which tells where those lie (arch/arm64/include/uapi/asm/sigcontext.h). */
void frame_follow(void *ucontext, uintptr_t distance)
{
  struct entry {
    uint32_t magic, size;
    uint64_t data;
  } *entry;
  enum { EXTRA = 0x45585401 };

  for (size_t at = 0; at + sizeof *entry <= sizeof registers(ucontext)->__reserved; at += entry->size) {
    entry = (struct entry *)((char *)registers(ucontext)->__reserved + at);
    if (entry->magic == EXTRA)
      entry->data += distance;
    if (!entry->magic || !entry->size)
      return;
  }
}
