/* x86-64's numbers for host/host.h. */
#ifndef MACHINE_H
#define MACHINE_H

struct frame {
  sighook_context context;
  void *vector;            /* saved vector registers, where context.state says so */
  uint64_t exit_sp;
  void *x87;               /* the 512-byte FXSAVE image, where context.state says so */
};

enum {
  HOST_FRAME_REGISTER = 3,      /* rbx */
  HOST_THREAD_REGISTER = 12,
  HOST_ELF_MACHINE = 62,
  HOST_SP_COLUMN = 7,
  HOST_PC_COLUMN = 16,
  HOST_SIGNAL_PC_COLUMN = 16,
  HOST_LINK_COLUMN = 0,         /* on the stack */
  HOST_LINK_SAVED = 0,
  HOST_LINK_LOST = 0,
  HOST_LINK_OFFSET = 0,
  HOST_FRAME_BIAS = 128,
  HOST_FACTS_ALIGN = 64,
  HOST_STUB_MAX = 192,
  HOST_STUB_ALIGN = 16,
  HOST_INSN_MAX = 15,
  HOST_INSN_ALIGN = 1,
  HOST_LOOK_AROUND = 0,
  HOST_ISLAND_MAX = 14,
  HOST_ENTRY_MAX = 16,
  HOST_BRANCH_LENGTH = 5,
  HOST_BACK_LENGTH = 4,
  HOST_TRAP_LENGTH = 1,
  HOST_TRAP_PC_OFFSET = 1,
  HOST_SYSCALLS_CLOBBER_VECTORS = 0,
  HOST_LEAVES_BY_TRAP = 0,
  HOST_FAR_STUBS = 0
};

/* Until the flags come back C code may run, which accesses memory unaligned: the program may have set AC against that (SDM vol. 1,
 * 3.4.3.3), and signal handlers begin with what it has set. */
#define HOST_ALIGNMENT_CHECK (UINT64_C(1) << 18)

static inline uint64_t host_begin_c(void)
{
  uint64_t flags = __builtin_ia32_readeflags_u64();

  if (flags & HOST_ALIGNMENT_CHECK)
    __builtin_ia32_writeeflags_u64(flags & ~HOST_ALIGNMENT_CHECK);
  return flags;
}

static inline void host_end_c(uint64_t flags)
{
  if (flags & HOST_ALIGNMENT_CHECK)
    __builtin_ia32_writeeflags_u64(flags);
}

#define HOST_JUMP_REACH (UINT64_C(0x7FF00000))     /* a little less than 2 GiB */

#define HOST_ADDRESS_END ((UINT64_C(1) << 47) - 4096)     /* above it programs have to ask by a hint */

#endif
