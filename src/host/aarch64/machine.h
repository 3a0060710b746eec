/* AArch64's numbers for host/host.h. */
#ifndef MACHINE_H
#define MACHINE_H

struct frame {
  sighook_context context;
  struct site *site;
  uintptr_t returns;       /* into the stub, behind its call of the routine */
  uint64_t function;       /* frame_function_mark of a function, if the pc may become it in a way that clobbers x16, else anything */
  uint64_t streaming;      /* the program was in streaming SVE mode */
  void *vector;            /* saved vector registers, where context.state says so */
  void *mask;              /* saved predicate registers, likewise */
  uint64_t width;          /* bytes a saved vector register */
};

/* To go on at another pc without a scratch register takes a trap, which sets everything at once; at a function's entry x16 may be
 * clobbered, as a linker's veneer would clobber it (AAPCS64, 6.1.1). Such a pc is marked by what no pointer or number that was
 * left on the stack looks like. */
static inline uint64_t frame_function_mark(const struct frame *frame, uintptr_t function)
{
  return ~(function ^ (uintptr_t)frame);
}

enum {
  HOST_FRAME_REGISTER = 19,
  HOST_THREAD_REGISTER = 20,
  HOST_ELF_MACHINE = 183,
  HOST_SP_COLUMN = 31,
  HOST_PC_COLUMN = 32,
  HOST_SIGNAL_PC_COLUMN = 96,           /* libgcc's alternative return column; it knows nothing of 32 */
  HOST_LINK_COLUMN = 30,
  HOST_LINK_SAVED = 16,
  HOST_LINK_LOST = 128,
  HOST_LINK_OFFSET = 240,
  HOST_FRAME_BIAS = 0,
  HOST_FACTS_ALIGN = 4096,              /* one ADRP reaches them */
  HOST_STUB_MAX = 240,
  HOST_STUB_ALIGN = 16,
  HOST_INSN_MAX = 4,
  HOST_INSN_ALIGN = 4,
  HOST_LOOK_AROUND = 128,
  HOST_ISLAND_MAX = 4,
  HOST_ENTRY_MAX = 16,
  HOST_BRANCH_LENGTH = 4,
  HOST_BACK_LENGTH = 4,
  HOST_TRAP_LENGTH = 4,
  HOST_TRAP_PC_OFFSET = 0,
  HOST_SYSCALLS_CLOBBER_VECTORS = 1,
  HOST_LEAVES_BY_TRAP = 1,
  HOST_FAR_STUBS = 1
};

/* Nothing that a program sets keeps C code from running. */
static inline uint64_t host_begin_c(void)
{
  return 0;
}

static inline void host_end_c(uint64_t flags)
{
  (void)flags;
}

#define HOST_JUMP_REACH (UINT64_C(0x7F00000))      /* of B, a megabyte less than 128 MiB */

#define HOST_ADDRESS_END (UINT64_C(1) << 48)     /* above it programs have to ask by a hint */

#endif
