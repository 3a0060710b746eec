/* Stubs of AArch64. A stub:
 *
 *   entry:      ldr x16,path; br x16       only where the site may need it: to a replacement at a function's entry, or, with x16 and
 *                                          x17 put on the stack first, to one of the parts below
 *   skip:       ldr x30, x0, x1; add sp; b next    where a capture goes on behind the instruction
 *   probe:      sub sp; save x0, x1, x30   room for the frame
 *               x0 = site; bl routine      capture, action, restore
 *               ldr x30, x0, x1; add sp
 *   count:      add one to the thread's counter, in line; only where the site was made for counting
 *   displaced:  the original instruction, relocated, and the branch back
 *
 * Stubs are written once; what varies is data in the site. They lie in unguarded pages and go back by B, since what they go back
 * to may lie in a guarded one and be no landing pad. Where a far site's B would not reach, a breakpoint has its place, and the
 * trap handler goes where the B would have gone. */
#include <assert.h>
#include "host/host.h"
#include "host/aarch64/layout.h"
#include "host/aarch64/pad.h"
#include "isa/aarch64/encode.h"
#include "host/aarch64/view.h"

enum { SP = 31, LR = 30, WORD = 4, SPILL = 16, LOAD_REACH = 8 * 4096 };
#define A64_AUTIASP UINT32_C(0xD50323BF)
#define A64_AUTIBSP UINT32_C(0xD50323FF)
#define A64_MRS_TPIDR UINT32_C(0xD53BD040)    /* mrs xd, tpidr_el0 */

struct emitter {
  struct host_stub *stub;
  uintptr_t pc;        /* where its first byte will run */
  unsigned length;
  struct stub_state state;
};

/* From here on. */
static void set_state(struct emitter *e, unsigned lowered, unsigned flags)
{
  e->state = (struct stub_state){.lowered = (uint8_t)(lowered / STATE_UNIT), .flags = (uint8_t)flags};
}

static uint32_t adrp(unsigned rd, uintptr_t pc, uintptr_t target)
{
  return a64_set_rd(a64_set_adr(A64_WORD_ADRP, (intptr_t)(target >> 12) - (intptr_t)(pc >> 12)), rd);
}

/* add rd, rn, #thousands, lsl #12 */
static uint32_t add_thousands(unsigned rd, unsigned rn, unsigned thousands)
{
  return a64_encode_x_immediate(A64_WORD_ADD_X_IMMEDIATE, rd, rn, thousands) | 1 << 22;
}

static uint32_t cbz_x(unsigned rt, unsigned distance)
{
  return a64_set_distance19(A64_WORD_CBZ | UINT32_C(1) << 31, distance) | rt;
}

static void put(struct emitter *e, unsigned at, uint32_t word)
{
  __builtin_memcpy(e->stub->bytes + at, &word, sizeof word);
}

static void emit(struct emitter *e, uint32_t word)
{
  assert(e->length + WORD <= HOST_STUB_MAX);
  put(e, e->length, word);
  e->stub->states[e->length / WORD] = e->state;
  e->length += WORD;
}

static uintptr_t here(const struct emitter *e)
{
  return e->pc + e->length;
}

/* To a place in the stub. */
static void emit_branch(struct emitter *e, uintptr_t target)
{
  emit(e, a64_encode_b(here(e), target));
}

static void emit_way_back(struct emitter *e, const struct site *site)
{
  if (site->far && !a64_reaches(here(e), site_next(site), A64_B_REACH))
    emit(e, a64_encode_brk(A64_FAR_BRANCH));
  else
    emit_branch(e, site_next(site));
}

static intptr_t thread_pointer_offset(const void *variable)
{
  return (intptr_t)((uintptr_t)variable - (uintptr_t)__builtin_thread_pointer());
}

/* The pc stands for what `behind` says. */
static void emit_give_back(struct emitter *e, unsigned behind)
{
  set_state(e, FRAME_SIZE, STATE_X0_X1_IN_FRAME | STATE_LR_IN_FRAME | behind);
  emit(e, a64_encode_x(A64_WORD_LDR_X, LR, SP, CONTEXT_X(LR)));
  emit(e, a64_encode_pair(A64_WORD_LDP_X_POST, 0, 1, SP, FRAME_SIZE));
  set_state(e, 0, behind);
}

static bool near_enough(uintptr_t from, uintptr_t to)
{
  intptr_t distance = (intptr_t)(to - from);

  return distance > -(intptr_t)HOST_JUMP_REACH && distance < (intptr_t)HOST_JUMP_REACH;
}

static void emit_path(struct emitter *e, const struct site *site, bool spill)
{
  uintptr_t path = (uintptr_t)&site->path;

  set_state(e, 0, STATE_BEHIND_PAD);
  if (spill) {
    emit(e, a64_encode_pair(A64_WORD_STP_X_PRE, 16, 17, SP, -SPILL));
    set_state(e, SPILL, STATE_PUSHED | STATE_BEHIND_PAD);
  } else if (site->signs) {                               /* what replaces the function finds its return address unsigned */
    emit(e, host_pad_uses_key_b(site) ? A64_AUTIBSP : A64_AUTIASP);
    set_state(e, 0, 0);
  }
  emit(e, adrp(16, here(e), path));
  emit(e, a64_encode_x(A64_WORD_LDR_X, 16, 16, path & 0xFFF));
  emit(e, a64_encode_branch_register(A64_WORD_BR, 16));
}

static void emit_address(struct emitter *e, unsigned rd, uintptr_t address)
{
  uint32_t word = a64_encode_adr(rd, here(e), address);

  if (word != A64_WORD_UDF) {
    emit(e, word);
    return;
  }
  emit(e, adrp(rd, here(e), address));
  emit(e, a64_encode_x_immediate(A64_WORD_ADD_X_IMMEDIATE, rd, rd, address & 0xFFF));
}

static void emit_probe(struct emitter *e, const struct site *site, enum save_class save_class)
{
  uintptr_t routine = host_routine(save_class) + ROUTINE_PAD_LENGTH;

  set_state(e, 0, STATE_BEHIND_PAD);
  emit(e, a64_encode_pair(A64_WORD_STP_X_PRE, 0, 1, SP, -FRAME_SIZE));
  set_state(e, FRAME_SIZE, STATE_X0_X1_IN_FRAME | STATE_BEHIND_PAD);
  emit(e, a64_encode_x(A64_WORD_STR_X, LR, SP, CONTEXT_X(LR)));
  set_state(e, FRAME_SIZE, STATE_X0_X1_IN_FRAME | STATE_LR_IN_FRAME | STATE_BEHIND_PAD);
  emit_address(e, 0, (uintptr_t)site);
  if (near_enough(here(e), routine)) {
    emit(e, a64_encode_bl(here(e), routine));
  } else {
    emit(e, a64_encode_x(A64_WORD_LDR_X, 1, 0, SITE_ROUTINE));
    emit(e, a64_encode_branch_register(A64_WORD_BLR, 1));
  }
  emit_give_back(e, STATE_BEHIND_PAD);
}

/* x16 = the pointer at x16 + offset, or to `elsewhere` if that is null. */
static void emit_load_or(struct emitter *e, uint32_t offset, unsigned elsewhere)
{
  if (offset >= LOAD_REACH)
    emit(e, add_thousands(16, 16, offset >> 12));
  emit(e, a64_encode_x(A64_WORD_LDR_X, 16, 16, offset >= LOAD_REACH ? offset & 0xFFF : offset));
  emit(e, cbz_x(16, elsewhere - e->length));
}

/* What was put on the stack, back. */
static void emit_pop(struct emitter *e)
{
  set_state(e, SPILL, STATE_PUSHED | STATE_BEHIND_PAD);
  emit(e, a64_encode_pair(A64_WORD_LDP_X_POST, 16, 17, SP, SPILL));
  set_state(e, 0, STATE_BEHIND_PAD);
}

/* Falls through to the displaced instruction. Before it stand the ways to other parts by the stub's path and where there is no
 * counter yet, x16 and x17 being on the stack; returns the place of a branch to the displaced instruction. */
static unsigned emit_count(struct emitter *e, uint32_t number)
{
  uint32_t counter = number % COUNTER_CHUNK * (uint32_t)sizeof(struct counter);
  bool first = number < COUNTER_CHUNK;
  intptr_t variable = thread_pointer_offset(first ? (void *)&thread_first_chunk : (void *)&thread_chunks);
  unsigned to_displaced = e->length + WORD, to_probe = to_displaced + WORD;

  assert(variable >= 0 && variable < 1 << 24);
  emit_pop(e);
  emit(e, 0);
  emit_pop(e);
  emit_branch(e, e->pc + e->stub->probe_offset);
  e->stub->count_offset = (uint8_t)e->length;
  emit(e, a64_encode_pair(A64_WORD_STP_X_PRE, 16, 17, SP, -SPILL));
  set_state(e, SPILL, STATE_PUSHED | STATE_BEHIND_PAD);
  emit(e, A64_MRS_TPIDR | 16);
  emit_load_or(e, (uint32_t)variable, to_probe);
  if (!first)
    emit_load_or(e, number / COUNTER_CHUNK * (uint32_t)sizeof(void *), to_probe);
  if (counter >= LOAD_REACH)
    emit(e, add_thousands(16, 16, counter >> 12));
  counter = counter >= LOAD_REACH ? counter & 0xFFF : counter;
  emit(e, a64_encode_x(A64_WORD_LDR_X, 17, 16, counter));
  emit(e, a64_encode_x_immediate(A64_WORD_ADD_X_IMMEDIATE, 17, 17, 1));
  emit(e, a64_encode_x(A64_WORD_STR_X, 17, 16, counter));
  emit_pop(e);
  return to_displaced;
}

enum { PAST_COUNT_TO_DISPLACED = 4 * WORD, PAST_COUNT_TO_PROBE = 2 * WORD };   /* before the counting */

/* Goes on at a part of the stub that expects the return address signed, where it is not. */
static void emit_signing(struct emitter *e, const struct site *site, uintptr_t target)
{
  set_state(e, 0, 0);
  emit(e, host_pad_word(site));
  set_state(e, 0, STATE_BEHIND_PAD);
  emit_branch(e, target);
}

enum { SIGNING_LENGTH = 2 * WORD };

static sighook_status displace(const struct site *site, uintptr_t pc, struct a64_displaced *displaced, struct error *error)
{
  enum a64_refusal refusal = a64_relocate(view_word(site), site_place(site), pc, site->far, displaced);

  if (refusal == A64_RELOCATED)
    return SIGHOOK_OK;
  if (refusal == A64_OUT_OF_REACH && site->far)
    return error_set(error, SIGHOOK_NO_NEAR_MEMORY, site->address,
                     "no memory is free in a branch's reach of %#lx, and a trap back would break the exclusive sequence",
                     site->address);
  if (refusal == A64_OUT_OF_REACH)
    return error_set(error, SIGHOOK_OUT_OF_RANGE, site->address, "the instruction at %#lx cannot run at %#lx: %s",
                     site->address, pc, a64_refusal_text(refusal));
  return error_set(error, SIGHOOK_UNRELOCATABLE, site->address, "the instruction at %#lx cannot run elsewhere: %s",
                   site->address, a64_refusal_text(refusal));
}

sighook_status host_check_displaced(const struct site *site, uintptr_t pc, struct error *error)
{
  struct a64_displaced displaced;

  return displace(site, pc, &displaced, error);
}

static sighook_status emit_displaced(struct emitter *e, const struct site *site, struct error *error)
{
  struct a64_insn insn;
  struct a64_displaced displaced;
  sighook_status status = displace(site, here(e), &displaced, error);

  if (!status && displaced.entry_offset) {                /* a memory copy's earlier parts stand before its later one */
    emit_branch(e, here(e) + WORD + displaced.entry_offset);
    status = displace(site, here(e), &displaced, error);
  }
  if (status)
    return status;
  e->stub->displaced_offset = (uint8_t)(e->length + displaced.entry_offset);
  if (displaced.trap_offset != A64_NO_OFFSET)
    e->stub->trap_offset = (uint8_t)(e->length + displaced.trap_offset);
  a64_decode(view_word(site), site_place(site), &insn);
  for (unsigned at = 0; at < displaced.length; at += WORD) {
    e->state = view_displaced(&displaced, &insn, at);
    emit(e, displaced.words[at / WORD]);
  }
  return SIGHOOK_OK;
}

sighook_status host_stub_build(const struct site *site, uintptr_t pc, enum save_class save_class, struct host_stub *stub,
                               struct error *error)
{
  struct emitter e = {.stub = stub, .pc = pc};
  bool counting = site->counter != SITE_NO_COUNTER;
  unsigned past_probe = 0, past_count = 0;
  sighook_status status;

  *stub = (struct host_stub){.trap_offset = 0xFF};
  if (site->by_path)
    emit_path(&e, site, counting);
  emit_give_back(&e, STATE_BEHIND_PAD | STATE_BEHIND_INSN); /* skip */
  emit_way_back(&e, site);
  stub->probe_offset = (uint8_t)e.length;
  emit_probe(&e, site, save_class);
  if (counting) {
    past_probe = e.length;
    emit(&e, 0);
    past_count = emit_count(&e, (uint32_t)site->counter);
  }
  status = emit_displaced(&e, site, error);
  if (status)
    return status;
  if (counting) {
    put(&e, past_probe, a64_encode_b(past_probe, stub->displaced_offset));
    put(&e, past_count, a64_encode_b(past_count, stub->displaced_offset));
  }
  stub->original_offset = stub->displaced_offset;
  if (site->signs && site->by_path) {
    stub->original_offset = (uint8_t)e.length;
    emit_signing(&e, site, pc + stub->displaced_offset);
    emit_signing(&e, site, pc + stub->probe_offset);
  }
  stub->length = (uint8_t)e.length;
  stub->state_count = (uint8_t)(e.length / WORD);
  stub->entry_offset = site->by_path ? 0 : stub->probe_offset;
  return SIGHOOK_OK;
}

uintptr_t host_path(const struct site *site, enum host_part part)
{
  uintptr_t count = site->stub + site->count_offset;

  if (host_path_may_leave(site) && site->signs)
    return site->stub + site->original_offset + (part == PART_PROBE ? SIGNING_LENGTH : 0);
  switch (part) {
  case PART_PROBE:
    return site->count_offset ? count - PAST_COUNT_TO_PROBE : site->stub + site->probe_offset;
  case PART_COUNT:
    return count + WORD;                                  /* the path has x16 and x17 put on the stack already */
  case PART_DISPLACED:
    break;
  }
  return site->count_offset ? count - PAST_COUNT_TO_DISPLACED : site->stub + site->displaced_offset;
}

bool host_path_may_leave(const struct site *site)
{
  return site->by_path && !site->count_offset;            /* a counting stub's path has two registers on the stack */
}

sighook_status host_stub_reach(uintptr_t address, const uint8_t *bytes, size_t size, uintptr_t *low, uintptr_t *high,
                               uint8_t *length, struct error *error)
{
  struct a64_insn insn;
  uint32_t word;

  if (address % WORD || size < WORD)
    return error_set(error, SIGHOOK_BAD_ADDRESS, address, "%#lx is %s", address,
                     size < WORD ? "too near unreadable memory" : "misaligned: instructions are aligned words");
  __builtin_memcpy(&word, bytes, sizeof word);
  a64_decode(word, address, &insn);
  *length = WORD;
  a64_reach(&insn, address, low, high);
  return SIGHOOK_OK;
}
