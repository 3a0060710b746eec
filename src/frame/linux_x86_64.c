/* The signal frame of Linux on x86-64. */
#include "frame/linux.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

enum { EXCEPTION_BREAKPOINT = 3, EXCEPTION_INVALID_OPCODE = 6 };   /* X86_TRAP_BP, X86_TRAP_UD */

uintptr_t frame_pc(const void *ucontext)
{
  return (uintptr_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
}

void frame_set_pc(void *ucontext, uintptr_t pc)
{
  ((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

/* Both begin alike (the kernel's struct sigcontext_64). */
enum { GENERAL = REG_EFL + 1 };
#define SAME_PLACE(member, index) \
  _Static_assert(offsetof(sighook_context, member) == (index) * sizeof(uint64_t), "order of registers")
SAME_PLACE(r8, REG_R8);
SAME_PLACE(rdi, REG_RDI);
SAME_PLACE(rbx, REG_RBX);
SAME_PLACE(rdx, REG_RDX);
SAME_PLACE(rax, REG_RAX);
SAME_PLACE(rcx, REG_RCX);
SAME_PLACE(rsp, REG_RSP);
SAME_PLACE(rip, REG_RIP);
SAME_PLACE(eflags, REG_EFL);

void frame_read(const void *ucontext, sighook_context *context)
{
  for (unsigned i = 0; i < GENERAL; i++)
    ((uint64_t *)context)[i] = (uint64_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[i];
}

void frame_write(void *ucontext, const sighook_context *context)
{
  for (unsigned i = 0; i < GENERAL; i++)
    ((ucontext_t *)ucontext)->uc_mcontext.gregs[i] = (greg_t)((const uint64_t *)context)[i];
}

bool frame_finish(void *ucontext, const struct site *site)
{
  (void)ucontext;                    /* routines and stubs leave nothing to it here */
  (void)site;
  return false;
}

/* By the kernel's record of the thread's last trap, whatever si_code says: the pc is behind a breakpoint, and at what is no
 * instruction. While a uprobe stands anywhere in the process, the kernel looks for one at each breakpoint, and where there is none it
 * forces the signal without such a record (handle_swbp): then si_code tells. */
enum frame_trap frame_trap(int signal_number, const void *siginfo, const void *ucontext, uintptr_t *address)
{
  const siginfo_t *info = siginfo;
  greg_t number = ((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_TRAPNO];

  if (signal_number == SIGTRAP && (number == EXCEPTION_BREAKPOINT || (info && info->si_code == SI_KERNEL))) {
    *address = frame_pc(ucontext) - 1;
    return FRAME_BREAKPOINT;
  }
  *address = frame_pc(ucontext);
  return signal_number == SIGILL && number == EXCEPTION_INVALID_OPCODE ? FRAME_ILLEGAL : FRAME_NO_TRAP;
}

/* The kernel's struct _fpstate_64 and _fpx_sw_bytes (arch/x86/include/uapi/asm/sigcontext.h). */
enum { SOFTWARE_BYTES = 464, EXTENDED_STATE = 0x46505853, RED_ZONE = 128 };

/* What the handler returns to, the ucontext, the siginfo, and, aligned, the vector registers. */
bool frame_find(const void *ucontext, uintptr_t record, struct frame_place *place)
{
  const ucontext_t *context = ucontext;
  uintptr_t state = (uintptr_t)context->uc_mcontext.fpregs;
  const uint32_t *software = (const uint32_t *)(state + SOFTWARE_BYTES);

  (void)record;
  if (!state || software[0] != EXTENDED_STATE)
    return false;
  place->start = (uintptr_t)ucontext - sizeof(uintptr_t);
  place->end = state + software[1];
  place->interrupted = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
  place->free = place->interrupted - RED_ZONE;
  return true;
}

void frame_follow(void *ucontext, uintptr_t distance)
{
  mcontext_t *registers = &((ucontext_t *)ucontext)->uc_mcontext;

  registers->fpregs = (void *)((uintptr_t)registers->fpregs + distance);
}
