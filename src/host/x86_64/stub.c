/* Stubs and entries of x86-64. A stub:
 *
 *   entry:      jmp *path(%rip)            to one of the parts below, or to a replacement; only where the site may need it
 *   probe:      lea -128(%rsp),%rsp        over the red zone
 *               mov %rax,frame.rax         where the routine will have its frame
 *               lea site(%rip),%rax
 *               call routine               capture, action, restore
 *               lea 128(%rsp),%rsp
 *   count:      add one to the thread's counter, in line; only where the site was made for counting
 *   displaced:  the original instruction, relocated, and the branch back
 *
 * Stubs are written once; what varies is data in the site. */
#include <assert.h>
#include <stdbool.h>
#include "core/shape.h"
#include "host/host.h"
#include "host/x86_64/layout.h"
#include "isa/x86_64/relocate.h"

enum { LEA_LENGTH = 5 };              /* lea -128(%rsp),%rsp */

/* In states: what is not where the program has it. */
enum {
  STATE_RAX_IN_FRAME = STATE_MACHINE,
  STATE_RAX_PUSHED = STATE_MACHINE << 1,
  STATE_RCX_PUSHED = STATE_MACHINE << 2,
  STATE_RCX_IS_NEXT = STATE_MACHINE << 3
};

struct emitter {
  struct host_stub *stub;
  uintptr_t pc;        /* where its first byte will run */
  unsigned length;
  struct stub_state state;
};

#define EMIT(e, ...) emit((e), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void emit(struct emitter *e, const uint8_t *bytes, size_t count)
{
  assert(e->length + count <= HOST_STUB_MAX);
  for (size_t i = 0; i < count; i++) {
    e->stub->states[e->length] = e->state;
    e->stub->bytes[e->length++] = bytes[i];
  }
}

/* From here on. */
static void set_state(struct emitter *e, unsigned lowered, unsigned flags)
{
  e->state = (struct stub_state){.lowered = (uint8_t)(lowered / STATE_UNIT), .flags = (uint8_t)flags};
}

static void emit_32(struct emitter *e, uint32_t value)
{
  EMIT(e, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24));
}

/* A pc-relative displacement that ends the instruction. */
static void emit_relative(struct emitter *e, uintptr_t target)
{
  intptr_t displacement = (intptr_t)(target - (e->pc + e->length + 4));

  assert(displacement == (int32_t)displacement);
  emit_32(e, (uint32_t)displacement);
}

static intptr_t thread_pointer_offset(const void *variable)
{
  uintptr_t thread_pointer;

  __asm__("mov %%fs:0, %0" : "=r"(thread_pointer));
  return (intptr_t)((uintptr_t)variable - thread_pointer);
}

enum { JUMP_LENGTH = 5, SLOW_LENGTH = 2 + JUMP_LENGTH, PUSHED = 16 };

/* Loads what a thread-local variable points to; without that, to the capture, which has a counter made. */
static void emit_load_or_slow(struct emitter *e, unsigned slow)
{
  EMIT(e, 0xE3, 0);                                                   /* jrcxz slow */
  e->stub->bytes[e->length - 1] = (uint8_t)(slow - e->length);
}

/* Three moves instead of `inc`, which would cost saving the flags. Falls through to the displaced instruction. */
static void emit_count(struct emitter *e, uint32_t number)
{
  const unsigned one = RED_ZONE + PUSHED / 2, both = RED_ZONE + PUSHED;
  uint32_t offset = number % COUNTER_CHUNK * (uint32_t)sizeof(struct counter);
  unsigned slow = e->length;

  set_state(e, both, STATE_RAX_PUSHED | STATE_RCX_PUSHED);
  EMIT(e, 0x58);                                                      /* slow: pop %rax */
  set_state(e, one, STATE_RCX_PUSHED);
  EMIT(e, 0x59);                                                      /* pop %rcx */
  set_state(e, RED_ZONE, 0);
  EMIT(e, 0xE9);                                                      /* jmp probe, past its lea */
  emit_relative(e, e->pc + e->stub->probe_offset + LEA_LENGTH);
  set_state(e, 0, 0);
  e->stub->count_offset = (uint8_t)e->length;
  EMIT(e, 0x48, 0x8D, 0x64, 0x24, 0x80);                              /* lea -128(%rsp),%rsp */
  set_state(e, RED_ZONE, 0);
  EMIT(e, 0x51);                                                      /* push %rcx */
  set_state(e, one, STATE_RCX_PUSHED);
  EMIT(e, 0x50);                                                      /* push %rax */
  set_state(e, both, STATE_RAX_PUSHED | STATE_RCX_PUSHED);
  EMIT(e, 0x64, 0x48, 0x8B, 0x0C, 0x25);                              /* mov %fs:variable,%rcx */
  if (number < COUNTER_CHUNK) {
    emit_32(e, (uint32_t)thread_pointer_offset(&thread_first_chunk));
  } else {
    emit_32(e, (uint32_t)thread_pointer_offset(&thread_chunks));
    emit_load_or_slow(e, slow);
    EMIT(e, 0x48, 0x8B, 0x89);                                        /* mov chunk(%rcx),%rcx */
    emit_32(e, number / COUNTER_CHUNK * (uint32_t)sizeof(void *));
  }
  emit_load_or_slow(e, slow);
  EMIT(e, 0x48, 0x8B, 0x81);                                          /* mov hits(%rcx),%rax */
  emit_32(e, offset);
  EMIT(e, 0x48, 0x8D, 0x40, 0x01);                                    /* lea 1(%rax),%rax */
  EMIT(e, 0x48, 0x89, 0x81);                                          /* mov %rax,hits(%rcx) */
  emit_32(e, offset);
  EMIT(e, 0x58);                                                      /* pop %rax */
  set_state(e, one, STATE_RCX_PUSHED);
  EMIT(e, 0x59);                                                      /* pop %rcx */
  set_state(e, RED_ZONE, 0);
  EMIT(e, 0x48, 0x8D, 0xA4, 0x24, 0x80, 0, 0, 0);                     /* lea 128(%rsp),%rsp */
  set_state(e, 0, 0);
}

/* A direct call is faster, and to far code much; a routine that saves too little for a later action goes on to the right one.
 * Both forms have six bytes, so that the site is found alike. */
static void emit_call(struct emitter *e, const struct site *site, enum save_class save_class)
{
  uintptr_t routine = host_routine(save_class);
  intptr_t distance = (intptr_t)(routine - (e->pc + e->length + 6));

  if (routine && distance == (int32_t)distance) {
    EMIT(e, 0x67, 0xE8);                                              /* addr32 call routine */
    emit_relative(e, routine);
  } else {
    EMIT(e, 0xFF, 0x15);                                              /* call *routine(%rip) */
    emit_relative(e, (uintptr_t)&site->routine);
  }
}

static sighook_status displace(const struct site *site, uintptr_t pc, struct x64_displaced *displaced, struct error *error)
{
  enum x64_refusal refusal = x64_relocate(site->original, site->length, site->address, pc, displaced);

  if (refusal == X64_RELOCATED)
    return SIGHOOK_OK;
  if (refusal == X64_OUT_OF_REACH)
    return error_set(error, SIGHOOK_OUT_OF_RANGE, site->address, "the instruction at %#lx cannot run at %#lx: %s",
                     site->address, pc, x64_refusal_text(refusal));
  return error_set(error, SIGHOOK_UNRELOCATABLE, site->address, "the instruction at %#lx cannot run elsewhere: %s",
                   site->address, x64_refusal_text(refusal));
}

sighook_status host_check_displaced(const struct site *site, uintptr_t pc, struct error *error)
{
  struct x64_displaced displaced;

  return displace(site, pc, &displaced, error);
}

static void emit_probe(struct emitter *e, const struct site *site, enum save_class save_class)
{
  e->stub->probe_offset = (uint8_t)e->length;
  EMIT(e, 0x48, 0x8D, 0x64, 0x24, 0x80);                              /* lea -128(%rsp),%rsp */
  set_state(e, RED_ZONE, 0);
  EMIT(e, 0x48, 0x89, 0x44, 0x24, (uint8_t)STUB_RAX);                 /* mov %rax,STUB_RAX(%rsp) */
  EMIT(e, 0x48, 0x8D, 0x05);                                          /* lea site(%rip),%rax */
  emit_relative(e, (uintptr_t)site);
  set_state(e, RED_ZONE, STATE_RAX_IN_FRAME);
  emit_call(e, site, save_class);
  set_state(e, RED_ZONE, 0);
  EMIT(e, 0x48, 0x8D, 0xA4, 0x24, 0x80, 0, 0, 0);                     /* lea 128(%rsp),%rsp */
  set_state(e, 0, 0);
}

/* As x64_original_pc has it. */
static struct stub_state displaced_state(const struct x64_displaced *displaced, bool leaves_address, unsigned offset)
{
  unsigned lowered = 0;

  if (offset >= displaced->taken_offset)
    return (struct stub_state){.flags = STATE_TARGET};
  if (offset >= displaced->exit_offset)
    return (struct stub_state){.flags = STATE_BEHIND_INSN | (leaves_address ? STATE_RCX_IS_NEXT : 0)};
  for (unsigned i = 0; i < X64_LOWERED_MAX; i++)
    if (displaced->lowered[i].bytes && offset >= displaced->lowered[i].offset)
      lowered = displaced->lowered[i].bytes;
  return (struct stub_state){.lowered = (uint8_t)(lowered / STATE_UNIT)};
}

static sighook_status emit_displaced(struct emitter *e, const struct site *site, struct error *error)
{
  unsigned start = e->length;
  struct x64_displaced displaced;
  struct x64_insn insn;
  sighook_status status = displace(site, e->pc + start, &displaced, error);
  bool leaves_address;
  unsigned last;

  if (status)
    return status;
  leaves_address = x64_decode(site->original, site->length, site->address, &insn) && insn.kind == X64_SYSCALL;
  e->stub->displaced_offset = e->stub->original_offset = (uint8_t)start;
  if (displaced.back_offset != 0xFF)
    e->stub->back_offset = (uint8_t)(start + displaced.back_offset);
  if (displaced.trap_offset != 0xFF)
    e->stub->trap_offset = (uint8_t)(start + displaced.trap_offset);
  emit(e, displaced.bytes, displaced.length);
  last = start + (displaced.taken_offset != 0xFF ? displaced.taken_offset : displaced.exit_offset);
  for (unsigned offset = start; offset <= last; offset++)
    e->stub->states[offset] = displaced_state(&displaced, leaves_address, offset - start);
  e->stub->state_count = (uint8_t)(last + 1);
  return SIGHOOK_OK;
}

sighook_status host_stub_build(const struct site *site, uintptr_t pc, enum save_class save_class, struct host_stub *stub,
                               struct error *error)
{
  struct emitter e = {.stub = stub, .pc = pc};
  sighook_status status;
  unsigned jump;

  *stub = (struct host_stub){.trap_offset = 0xFF};
  if (site->by_path) {
    EMIT(&e, 0xFF, 0x25);                                             /* jmp *path(%rip) */
    emit_relative(&e, (uintptr_t)&site->path);
  }
  emit_probe(&e, site, save_class);
  if (site->counter != SITE_NO_COUNTER) {
    jump = e.length;
    EMIT(&e, 0xE9, 0, 0, 0, 0);                                       /* jmp displaced */
    emit_count(&e, (uint32_t)site->counter);
    stub->bytes[jump + 1] = (uint8_t)(e.length - jump - JUMP_LENGTH);
  }
  status = emit_displaced(&e, site, error);
  stub->length = (uint8_t)e.length;
  return status;
}

sighook_status host_stub_reach(uintptr_t address, const uint8_t *bytes, size_t size, uintptr_t *low, uintptr_t *high,
                               uint8_t *length, struct error *error)
{
  struct x64_insn insn;

  if (!x64_decode(bytes, size, address, &insn))
    return error_set(error, SIGHOOK_UNDECODABLE, address, "the bytes at %#lx (%02x %02x %02x ..) are no instruction", address,
                     bytes[0], size > 1 ? bytes[1] : 0, size > 2 ? bytes[2] : 0);
  *length = insn.length;
  x64_reach(&insn, address, low, high);
  return SIGHOOK_OK;
}

uintptr_t host_path(const struct site *site, enum host_part part)
{
  switch (part) {
  case PART_PROBE:
    return site->stub + site->probe_offset;
  case PART_COUNT:
    return site->stub + site->count_offset;
  case PART_DISPLACED:
    break;
  }
  return site->stub + site->displaced_offset;
}

bool host_path_may_leave(const struct site *site)
{
  return site->by_path;
}

/* Of loop and jrcxz only, which end with a displacement of one byte. */
uintptr_t host_stub_target(const struct site *site, size_t offset)
{
  (void)offset;
  return site_next(site) + (uintptr_t)(intptr_t)(int8_t)site->original[site->length - 1];
}

/* The places in counting stubs and before captures where a register is on the stack are as far below the program's sp wherever sp
 * itself is. */
void host_stub_view(const struct site *site, sighook_context *context)
{
  size_t offset = context->rip - site->stub;
  const struct stub_state *state = shape_state(site, offset);
  uintptr_t sp = context->rsp + state->lowered * (uintptr_t)STATE_UNIT;

  if (state->flags & STATE_RAX_IN_FRAME)
    context->rax = *(const uint64_t *)(sp - RED_ZONE + STUB_RAX);
  if (state->flags & STATE_RAX_PUSHED)
    context->rax = *(const uint64_t *)(sp - RED_ZONE - PUSHED);
  if (state->flags & STATE_RCX_PUSHED)
    context->rcx = *(const uint64_t *)(sp - RED_ZONE - PUSHED / 2);
  if (state->flags & STATE_RCX_IS_NEXT)
    context->rcx = site_next(site);
  context->rsp = sp;
  context->rip = shape_pc(site, offset);
}

bool host_stub_back(const struct site *site, uintptr_t target, uint8_t bytes[HOST_BACK_LENGTH])
{
  intptr_t displacement = (intptr_t)(target - (site->stub + site->back_offset + JUMP_LENGTH));

  for (unsigned i = 0; i < HOST_BACK_LENGTH; i++)
    bytes[i] = (uint8_t)((uintptr_t)displacement >> (8 * i));
  return displacement == (int32_t)displacement;
}
