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
#include "host/host.h"
#include "host/x86_64/layout.h"
#include "isa/x86_64/relocate.h"

enum { LEA_LENGTH = 5 };              /* lea -128(%rsp),%rsp */

struct emitter {
  uint8_t *bytes;
  uintptr_t pc;        /* where bytes[0] will run */
  unsigned length;
};

#define EMIT(e, ...) emit((e), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void emit(struct emitter *e, const uint8_t *bytes, size_t count)
{
  assert(e->length + count <= HOST_STUB_MAX);
  for (size_t i = 0; i < count; i++)
    e->bytes[e->length++] = bytes[i];
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
  e->bytes[e->length - 1] = (uint8_t)(slow - e->length);
}

/* Three moves instead of `inc`, which would cost saving the flags. Falls through to the displaced instruction. */
static void emit_count(struct emitter *e, uint32_t number, struct host_stub *stub)
{
  uint32_t offset = number % COUNTER_CHUNK * (uint32_t)sizeof(struct counter);
  unsigned slow = e->length;

  EMIT(e, 0x58, 0x59);                                                /* slow: pop %rax; pop %rcx */
  EMIT(e, 0xE9);                                                      /* jmp probe, past its lea */
  emit_relative(e, e->pc + stub->probe_offset + LEA_LENGTH);
  stub->count_offset = (uint8_t)e->length;
  EMIT(e, 0x48, 0x8D, 0x64, 0x24, 0x80);                              /* lea -128(%rsp),%rsp */
  EMIT(e, 0x51, 0x50);                                                /* push %rcx; push %rax */
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
  EMIT(e, 0x58, 0x59);                                                /* pop %rax; pop %rcx */
  EMIT(e, 0x48, 0x8D, 0xA4, 0x24, 0x80, 0, 0, 0);                     /* lea 128(%rsp),%rsp */
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

sighook_status host_stub_build(const struct site *site, uintptr_t pc, enum save_class save_class, struct host_stub *stub,
                               struct error *error)
{
  struct emitter e = {.bytes = stub->bytes, .pc = pc};
  struct x64_displaced displaced;
  sighook_status status;
  unsigned jump;

  *stub = (struct host_stub){.trap_offset = 0xFF};
  if (site->by_path) {
    EMIT(&e, 0xFF, 0x25);                                             /* jmp *path(%rip) */
    emit_relative(&e, (uintptr_t)&site->path);
  }
  stub->probe_offset = (uint8_t)e.length;
  EMIT(&e, 0x48, 0x8D, 0x64, 0x24, 0x80);                             /* lea -128(%rsp),%rsp */
  EMIT(&e, 0x48, 0x89, 0x44, 0x24, (uint8_t)STUB_RAX);                /* mov %rax,STUB_RAX(%rsp) */
  EMIT(&e, 0x48, 0x8D, 0x05);                                         /* lea site(%rip),%rax */
  emit_relative(&e, (uintptr_t)site);
  emit_call(&e, site, save_class);
  EMIT(&e, 0x48, 0x8D, 0xA4, 0x24, 0x80, 0, 0, 0);                    /* lea 128(%rsp),%rsp */
  if (site->counter != SITE_NO_COUNTER) {
    jump = e.length;
    EMIT(&e, 0xE9, 0, 0, 0, 0);                                       /* jmp displaced */
    emit_count(&e, (uint32_t)site->counter, stub);
    e.bytes[jump + 1] = (uint8_t)(e.length - jump - JUMP_LENGTH);
  }
  stub->displaced_offset = (uint8_t)e.length;
  status = displace(site, pc + e.length, &displaced, error);
  if (status)
    return status;
  stub->exit_offset = (uint8_t)(e.length + displaced.exit_offset);
  if (displaced.back_offset != 0xFF)
    stub->back_offset = (uint8_t)(e.length + displaced.back_offset);
  if (displaced.trap_offset != 0xFF)
    stub->trap_offset = (uint8_t)(e.length + displaced.trap_offset);
  emit(&e, displaced.bytes, displaced.length);
  stub->original_offset = stub->displaced_offset;
  stub->length = (uint8_t)e.length;
  return SIGHOOK_OK;
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

uintptr_t host_stub_leads_to(const struct site *site, size_t offset)
{
  (void)offset;                      /* a loop's jump to its target is not told apart */
  return site_next(site);
}

bool host_stub_back(const struct site *site, uintptr_t target, uint8_t bytes[HOST_BACK_LENGTH])
{
  intptr_t displacement = (intptr_t)(target - (site->stub + site->back_offset + JUMP_LENGTH));

  for (unsigned i = 0; i < HOST_BACK_LENGTH; i++)
    bytes[i] = (uint8_t)((uintptr_t)displacement >> (8 * i));
  return displacement == (int32_t)displacement;
}

static intptr_t counting_sp_offset(const struct site *site, size_t offset)
{
  enum { POP = 1, PUSH = 1, LONG_LEA_LENGTH = 8 };
  size_t count = site->count_offset, slow = count - SLOW_LENGTH, end = site->displaced_offset - LONG_LEA_LENGTH;

  if (offset < slow)                              /* the jump behind the capture */
    return 0;
  if (offset < count)
    return RED_ZONE + (offset == slow ? PUSHED : offset == slow + POP ? PUSHED / 2 : 0);
  if (offset < count + LEA_LENGTH)
    return 0;
  if (offset == end || offset == count + LEA_LENGTH)
    return RED_ZONE;
  return RED_ZONE + (offset == end - POP || offset == count + LEA_LENGTH + PUSH ? PUSHED / 2 : PUSHED);
}

intptr_t host_stub_sp_offset(const struct site *site, size_t offset)
{
  if (offset < site->probe_offset + (size_t)LEA_LENGTH || offset >= site->displaced_offset)
    return 0;
  if (site->count_offset && offset >= site->count_offset - (size_t)SLOW_LENGTH - JUMP_LENGTH)
    return counting_sp_offset(site, offset);
  return RED_ZONE;
}
