/* Code under construction for one fixed pc. Constants follow the code, and the displacements that refer to them are
 * filled in at the end. Private to the relocator. */
#ifndef ISA_X86_64_EMIT_H
#define ISA_X86_64_EMIT_H

#include "isa/x86_64/relocate.h"

#define X64_REACH (INT64_C(0x7FFFF000))       /* of a 4-byte displacement, less a page */

enum {
  X64_JMP_REL32 = 0xE9,
  X64_JCC_REL8 = 0x70,                        /* | condition */
  X64_JCC_REL32 = 0x80,                       /* 0F, then | condition */
  X64_GROUP_5 = 0xFF,                         /* /2 call, /4 jmp, /6 push */
  X64_GROUP_JMP = 4,
  X64_GROUP_PUSH = 6,
  X64_MODRM_RIP = 5,                          /* mod 0, rm 5: disp32(%rip) */
  X64_MODRM_SIB = 4,                          /* rm: a SIB byte follows */
  X64_BASE_RSP = 4,
  X64_BASE_NONE = 5,                          /* of a SIB byte with mod 0: disp32 alone */
  X64_INDEX_NONE = 4,
  X64_CONSTANTS_MAX = 3,
  X64_CONSTANT_LENGTH = 8,
  X64_LINE = 64                               /* bytes that one store changes at once */
};

struct x64_code {
  struct x64_displaced *out;
  uint64_t next, to;                          /* behind the original instruction; where the code will run */
  unsigned length;
  struct {
    uint64_t value;
    unsigned disp_offset;
  } constants[X64_CONSTANTS_MAX];
  unsigned constant_count;
  unsigned lowered_count;
};

#define X64_EMIT(code, ...) x64_emit((code), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void x64_emit(struct x64_code *code, const uint8_t *bytes, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    code->out->bytes[code->length++] = bytes[i];
}

static inline void x64_put_32(uint8_t *bytes, uint32_t value)
{
  for (unsigned i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t x64_get_32(const uint8_t *bytes)
{
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline void x64_emit_32(struct x64_code *code, uint32_t value)
{
  x64_put_32(code->out->bytes + code->length, value);
  code->length += 4;
}

static inline bool x64_reaches(uint64_t from, uint64_t target)
{
  int64_t distance = (int64_t)(target - from);

  return distance >= -X64_REACH && distance <= X64_REACH;
}

/* A displacement, the instruction's last bytes, to a target that is known to be in reach. */
static inline void x64_emit_relative(struct x64_code *code, uint64_t target)
{
  x64_emit_32(code, (uint32_t)(target - (code->to + code->length + 4)));
}

/* A displacement, the instruction's last bytes, to a constant. */
static inline void x64_emit_constant(struct x64_code *code, uint64_t value)
{
  code->constants[code->constant_count].value = value;
  code->constants[code->constant_count++].disp_offset = code->length;
  x64_emit_32(code, 0);
}

static inline void x64_emit_jump(struct x64_code *code, uint64_t target)
{
  if (x64_reaches(code->to + code->length, target)) {
    X64_EMIT(code, X64_JMP_REL32);
    x64_emit_relative(code, target);
  } else {
    X64_EMIT(code, X64_GROUP_5, X64_GROUP_JMP << 3 | X64_MODRM_RIP);       /* jmp *constant(%rip) */
    x64_emit_constant(code, target);
  }
}

/* To the next instruction: a displacement inside a line, so that it can be changed by one store. */
static inline void x64_emit_back(struct x64_code *code)
{
  unsigned start;

  while ((code->to + code->length + 1) % X64_LINE > X64_LINE - 4)
    X64_EMIT(code, 0x90);
  start = code->length;
  x64_emit_jump(code, code->next);
  if (code->out->bytes[start] == X64_JMP_REL32)
    code->out->back_offset = (uint8_t)start;
}

/* Aligned, since the program may have alignment checks on. */
static inline void x64_emit_constants(struct x64_code *code)
{
  while (code->constant_count && (code->to + code->length) % X64_CONSTANT_LENGTH)
    X64_EMIT(code, 0xCC);
  for (unsigned i = 0; i < code->constant_count; i++) {
    unsigned disp_offset = code->constants[i].disp_offset;

    x64_put_32(code->out->bytes + disp_offset, code->length - (disp_offset + 4));
    x64_emit_32(code, (uint32_t)code->constants[i].value);
    x64_emit_32(code, (uint32_t)(code->constants[i].value >> 32));
  }
}

/* From here on the original instruction has had its effect. */
static inline void x64_mark_exit(struct x64_code *code)
{
  code->out->exit_offset = (uint8_t)code->length;
}

/* From here on rsp is that much lower. */
static inline void x64_mark_lowered(struct x64_code *code, unsigned bytes)
{
  code->out->lowered[code->lowered_count].offset = (uint8_t)code->length;
  code->out->lowered[code->lowered_count++].bytes = (uint8_t)bytes;
}

/* lea -bytes(%rsp),%rsp, after which rsp is `total` lower than the original found it. */
static inline void x64_lower_stack(struct x64_code *code, unsigned bytes, unsigned total)
{
  X64_EMIT(code, 0x48, 0x8D, 0xA4, 0x24);
  x64_emit_32(code, -(uint32_t)bytes);
  x64_mark_lowered(code, total);
}

/* movl $value,offset(%rsp), which spares the flags and needs no register. */
static inline void x64_store_on_stack(struct x64_code *code, uint32_t offset, uint32_t value)
{
  X64_EMIT(code, 0xC7, 0x84, 0x24);
  x64_emit_32(code, offset);
  x64_emit_32(code, value);
}

#endif
