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

/* What stands on the stack while an action runs; the context comes first, so that one points to the other. */
struct frame {
  sighook_context context;
  void *vector;            /* saved vector registers, where context.state says so */
  uint64_t exit_sp;
  void *x87;               /* the 512-byte FXSAVE image, where context.state says so */
};

static inline struct frame *host_frame(sighook_context *context)
{
  return (struct frame *)context;
}

/* The registers, by their DWARF numbers, in which a capture routine keeps its frame and its thread's record while an action
 * runs, and how far into the frame the former points. */
enum { HOST_FRAME_REGISTER = 3, HOST_THREAD_REGISTER = 12, HOST_FRAME_BIAS = 128 };

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

void host_set_pc(sighook_context *context, uintptr_t pc);
uintptr_t host_pc(const sighook_context *context);

/* ---- stubs ---- */
enum { HOST_STUB_MAX = 192, HOST_STUB_ALIGN = 16 };

struct host_stub {
  uint8_t bytes[HOST_STUB_MAX];
  uint8_t length, probe_offset, displaced_offset, exit_offset, count_offset;
  uint8_t trap_offset;     /* of a displaced breakpoint of the program's own; 0xff: none */
};

/* The stub of `site` (address, length, original bytes and counter set), to run at `pc`. It calls the routine of
 * `save_class` directly where that is near; a site with a counter gets a counting part. */
sighook_status host_stub_build(const struct site *site, uintptr_t pc, enum save_class save_class, struct host_stub *stub,
                               struct error *error);

/* Whether the site's instruction could be displaced to `pc`. */
sighook_status host_check_displaced(const struct site *site, uintptr_t pc, struct error *error);

/* Where the displaced instruction's operands allow a stub to lie. */
sighook_status host_stub_reach(uintptr_t address, const uint8_t *bytes, size_t size, uintptr_t *low, uintptr_t *high,
                               uint8_t *length, struct error *error);

/* What to add to sp at that offset of a stub to have the program's own. */
intptr_t host_stub_sp_offset(const struct site *site, size_t offset);

/* The length of the instruction that begins with bytes[0]; 0: undecodable. */
enum { HOST_INSN_MAX = 15 };
size_t host_insn_length(const uint8_t *bytes, size_t size);

/* The same, and where a direct branch leads. */
struct host_flow {
  bool has_target;
  uintptr_t target;
};
size_t host_insn_flow(const uint8_t *bytes, size_t size, uintptr_t pc, struct host_flow *flow);

/* Whether the instruction begins with a prefix that a branch may skip (`lock`, in libraries that choose at run time). */
bool host_has_skippable_prefix(const uint8_t *bytes);

/* The code of the signal return trampoline that libraries use here. */
const uint8_t *host_signal_return(size_t *length);

/* ---- entries ---- */
enum { HOST_ENTRY_MAX = 16, HOST_ISLAND_MAX = 14 };

/* The bytes that stand at a live site, `site->length` of them. */
void host_entry_bytes(const struct site *site, uint8_t bytes[HOST_ENTRY_MAX]);

/* Whether the site's entry could lead straight to `target`. */
bool host_entry_reaches(const struct site *site, uintptr_t target);

/* How many bytes from the site on the entry's meaning depends on: more than its own for a pun. */
size_t host_entry_span(const struct site *site);

/* A jump to `target` to be put at `pc`; returns its length, which is 5 or HOST_ISLAND_MAX. */
size_t host_island(uintptr_t pc, uintptr_t target, uint8_t bytes[HOST_ISLAND_MAX]);

/* The breakpoint instruction's first byte(s), and how far behind its start the reported pc lies. */
enum { HOST_TRAP_BYTE = 0xCC, HOST_TRAP_PC_OFFSET = 1 };

#endif
