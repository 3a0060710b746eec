/* What the core asks of the machine: capture routines, stubs, entries, and the frame that a capture leaves. One folder an
 * architecture implements it. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sighook/context.h>
#include "core/site.h"
#include "core/thread.h"
#include "machine.h"

/* machine.h, of the architecture's own folder, has struct frame, which stands on the stack while an action runs (the context
 * comes first, so that one points to the other), and the numbers HOST_* below:
 *   FRAME_REGISTER, THREAD_REGISTER    by their DWARF numbers, where a capture routine keeps its frame and its thread's record
 *   FRAME_BIAS                         how far into the frame the former points
 *   FACTS_ALIGN                        of what every capture reads
 *   STUB_MAX, STUB_ALIGN, INSN_MAX, INSN_ALIGN, ISLAND_MAX, ENTRY_MAX     bytes
 *   LOOK_AROUND                        bytes that matter around an instruction that is to be hooked; 0: none
 *   BRANCH_LENGTH                      of a branch entry
 *   BACK_LENGTH                        of what says in a stub's last jump where it leads
 *   TRAP_LENGTH, TRAP_PC_OFFSET        of the breakpoint instruction; how far behind its start the reported pc lies
 *   SYSCALLS_CLOBBER_VECTORS           whether a system call may leave nothing of vector registers
 *   LEAVES_BY_TRAP                     whether a capture may need the trap handler to go on at another pc
 *   FAR_STUBS                          whether a stub may lie out of its site's reach, and leave by the trap handler
 *   ADDRESS_END                        behind the addresses that the system gives to programs
 *   ELF_MACHINE                        as files name it
 *   SP_COLUMN, PC_COLUMN               their DWARF numbers
 *   SIGNAL_PC_COLUMN                   where libgcc's unwinder has the pc of a frame that a signal interrupted
 *   LINK_COLUMN                        of the register with the return address; 0: there is none
 *   LINK_SAVED, LINK_OFFSET            the states' flag where it lies in the frame at sp, and where there
 *   LINK_LOST                          the flag where a call has half overwritten it
 *   JUMP_REACH                         how far from its stub an entry may lie, with some room to spare */

static inline struct frame *host_frame(sighook_context *context)
{
  return (struct frame *)context;
}

/* A thread's level: see core/thread.h. */
static inline uint64_t host_level(const struct frame *frame, uint64_t epoch_bits)
{
  return (uintptr_t)frame + HOST_FRAME_BIAS + epoch_bits;
}

static inline const struct frame *host_level_frame(uint64_t level)
{
  return (const struct frame *)((level & ((UINT64_C(1) << LEVEL_EPOCH_SHIFT) - 1)) - HOST_FRAME_BIAS);
}

/* The site whose stub made the capture. */
struct site *host_frame_site(const struct frame *frame);

/* Whether a routine's call of an action still stands on the stack below the frame: false once the action was left by longjmp
 * and its place was used again. Reads the frame's own stack only, whatever became of the frame. */
bool host_frame_stands(const struct frame *frame);

/* Finds out what this CPU has. Before anything else of this header. */
void host_start(void);

/* The capture routine of a save class; 0 where this CPU has registers that no routine of ours saves. */
uintptr_t host_routine(enum save_class save_class);

/* An action's handler for the reference's callbacks: calls argument(address, context). */
void host_call_callback(sighook_context *context, void *callback);

/* To go on behind the instruction at the site. */
void host_skip(sighook_context *context, const struct site *site);
uintptr_t host_pc(const sighook_context *context);
/* The same for the function that replaces the one whose entry the site is. */
void host_set_replacement(sighook_context *context, uintptr_t function);

/* The integer argument of that number, at a function's entry, by the calling convention; the integer result, at its exit. */
uint64_t *host_argument(sighook_context *context, unsigned index);
uint64_t *host_result(sighook_context *context);

/* ---- stubs ---- */

/* What holds while the instruction at a place of a stub has not been run: sp is so far below the program's own, in units; and the
 * site's address, plus what the flags say, is the program's pc. The other flags are the machine's: which registers lie where. */
struct stub_state {
  uint8_t lowered, flags;
};
enum { STATE_UNIT = 8, STATE_BEHIND_PAD = 1, STATE_BEHIND_INSN = 2, STATE_TARGET = 4, STATE_MACHINE = 8 };
enum { HOST_STUB_SPAN = 256, HOST_STUB_STATES = HOST_STUB_SPAN / HOST_INSN_ALIGN };   /* a power of two, not below HOST_STUB_MAX */
_Static_assert((int)HOST_STUB_MAX <= (int)HOST_STUB_SPAN && sizeof(struct stub_state) == 2, "what the unwinder's rules go by");

struct host_stub {
  uint8_t bytes[HOST_STUB_MAX];
  struct stub_state states[HOST_STUB_STATES];
  uint8_t state_count;     /* so many are filled; the last holds for all places behind it */
  uint8_t length, probe_offset, displaced_offset, count_offset;
  uint8_t back_offset;     /* of the jump behind the site; 0: it has none that could lead elsewhere */
  uint8_t entry_offset;    /* where entries lead */
  uint8_t original_offset; /* where calls of the whole original lead */
  uint8_t trap_offset;     /* of a displaced breakpoint of the program's own; 0xff: none */
};

/* The stub of `site` (address, length, original bytes and counter set), to run at `pc`. It calls the routine of
 * `save_class` directly where that is near; a site with a counter gets a counting part. */
sighook_status host_stub_build(const struct site *site, uintptr_t pc, enum save_class save_class, struct host_stub *stub,
                               struct error *error);

/* Whether the site's instruction could be displaced to `pc`. */
sighook_status host_check_displaced(const struct site *site, uintptr_t pc, struct error *error);

/* A landing pad at an indirect branch's target, in whose place no branch may stand; false where the instruction is none. */
struct host_pad {
  uint8_t length;
  bool signs;              /* the return address */
};
bool host_landing_pad(const uint8_t *bytes, size_t size, struct host_pad *pad);

/* Where the displaced instruction's operands allow a stub to lie. */
sighook_status host_stub_reach(uintptr_t address, const uint8_t *bytes, size_t size, uintptr_t *low, uintptr_t *high,
                               uint8_t *length, struct error *error);

/* The pc of the program where the stub's state has STATE_TARGET: a displaced branch's target, or whatever else only the instruction
 * tells. */
uintptr_t host_stub_target(const struct site *site, size_t offset);

/* The registers of a thread that stands in the site's stub, made those that the program has where the pc stands for. */
void host_stub_view(const struct site *site, sighook_context *context);

/* The registers of a thread that stands in a capture routine, which may be before it is known to run, or after, made those that the
 * program has at the site, or where the capture sends it. False where it stands in none. */
bool host_routine_view(sighook_context *context);

/* For the jump behind the displaced instruction, whose last HOST_BACK_LENGTH bytes say where, to lead to `target`. False where it
 * does not reach. */
bool host_stub_back(const struct site *site, uintptr_t target, uint8_t bytes[HOST_BACK_LENGTH]);

/* The length of the instruction that begins with bytes[0]; 0: undecodable. */
size_t host_insn_length(const uint8_t *bytes, size_t size);

/* The same, and where control goes: by a direct branch, on, or by an indirect one who knows where. Returns end it. */
struct host_flow {
  bool has_target;
  bool falls_through;
  bool leads_anywhere;
  uintptr_t target;
};
size_t host_insn_flow(const uint8_t *bytes, size_t size, uintptr_t pc, struct host_flow *flow);

/* Whether bytes[0, HOST_TRAP_LENGTH) are a breakpoint instruction, of whomever. */
bool host_insn_is_breakpoint(const uint8_t *bytes);

/* Whether every processor of this machine has the instruction, so that it makes no SIGILL; false where that is not known. */
bool host_insn_is_everywhere(const uint8_t *bytes, size_t size);

/* Whether the instruction may be hooked seeing what stands around it: `before` bytes, at most HOST_LOOK_AROUND, before it in
 * code[0, size), and as many behind it. */
sighook_status host_check_sequence(uintptr_t address, const uint8_t *code, size_t before, size_t size, struct error *error);

/* The code of the signal return trampoline that libraries use here. */
const uint8_t *host_signal_return(size_t *length);

/* ---- entries ---- */

/* The bytes that stand at a live site, `site->length` of them. */
void host_entry_bytes(const struct site *site, uint8_t bytes[HOST_ENTRY_MAX]);

/* Whether the site's entry could lead straight to `target`. */
bool host_entry_reaches(const struct site *site, uintptr_t target);

/* How many bytes from the site on the entry's meaning depends on: more than its own for a pun. */
size_t host_entry_span(const struct site *site);

/* A jump to `target` to be put at `pc`; returns its length, which is 5 or HOST_ISLAND_MAX. */
size_t host_island(uintptr_t pc, uintptr_t target, uint8_t bytes[HOST_ISLAND_MAX]);

/* The length of the island that begins with code[0]. */
size_t host_island_stands(const uint8_t *code);

/* The same for an unwinder, as operations of DWARF 5, 2.5.1, that make [pc] to [target]. */
extern const uint8_t host_island_rule[];
extern const size_t host_island_rule_length;

/* Where the island at `pc` leads, of which `size` bytes can be read; `pc` itself where none begins there. */
uintptr_t host_island_target(uintptr_t pc, size_t size);

/* The breakpoint instruction. */
extern const uint8_t host_trap[HOST_TRAP_LENGTH];

/* Where a stub's first jump has to lead, by the site's path, for it to go on at one of its parts. */
enum host_part { PART_PROBE, PART_DISPLACED, PART_COUNT };
uintptr_t host_path(const struct site *site, enum host_part part);

/* Whether the path may also lead to a function that replaces the site's. */
bool host_path_may_leave(const struct site *site);

/* Instruction fetch sees what was written to [address, address + length), once cores are synchronised. The range is readable. */
void host_code_written(uintptr_t address, size_t length);

#endif
