/* Displaced instructions of x86-64. What is relative to the pc is made relative to the new one; calls become a push of the
 * original return address and a jump; the rest is copied. */
#include "isa/x86_64/relocate.h"

#define X64_REACH (INT64_C(0x7FFFF000))       /* of a 4-byte displacement, less a page */

enum {
  JMP_REL32 = 0xE9,
  JMP_REL8 = 0xEB,
  JCC_REL8 = 0x70,                            /* | condition */
  JCC_REL32 = 0x80,                           /* 0F, then | condition */
  GROUP_5 = 0xFF,                             /* FF /2 call, /4 jmp, /6 push */
  GROUP_CALL = 2,
  GROUP_JMP = 4,
  GROUP_PUSH = 6,
  BREAKPOINT = 0xCC,
  MODRM_SIB = 4,                              /* rm: a SIB byte follows */
  BASE_RSP = 4,
  CONSTANTS_MAX = 3
};

/* Code under construction; constants follow it, and the displacements that refer to them are filled in at the end. */
struct code {
  struct x64_displaced *out;
  uint64_t from, next, to;
  unsigned length;
  struct {
    uint64_t value;
    unsigned disp_offset;
  } constants[CONSTANTS_MAX];
  unsigned constant_count;
};

#define EMIT(code, ...) emit((code), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void emit(struct code *code, const uint8_t *bytes, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    code->out->bytes[code->length++] = bytes[i];
}

static void put_32(uint8_t *bytes, uint32_t value)
{
  for (unsigned i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(value >> (8 * i));
}

static void emit_32(struct code *code, uint32_t value)
{
  put_32(code->out->bytes + code->length, value);
  code->length += 4;
}

static bool reaches(uint64_t from, uint64_t target)
{
  int64_t distance = (int64_t)(target - from);

  return distance >= -X64_REACH && distance <= X64_REACH;
}

/* A displacement, the instruction's last bytes, to a target that is known to be in reach. */
static void emit_relative(struct code *code, uint64_t target)
{
  emit_32(code, (uint32_t)(target - (code->to + code->length + 4)));
}

/* A displacement, the instruction's last bytes, to a constant. */
static void emit_constant(struct code *code, uint64_t value)
{
  code->constants[code->constant_count].value = value;
  code->constants[code->constant_count++].disp_offset = code->length;
  emit_32(code, 0);
}

static void emit_jump(struct code *code, uint64_t target)
{
  if (reaches(code->to + code->length, target)) {
    EMIT(code, JMP_REL32);
    emit_relative(code, target);
  } else {
    EMIT(code, GROUP_5, 0x25);                /* jmp *constant(%rip) */
    emit_constant(code, target);
  }
}

static void finish(struct code *code)
{
  while (code->constant_count && (code->to + code->length) % 8)   /* the program may have alignment checks on */
    EMIT(code, BREAKPOINT);
  for (unsigned i = 0; i < code->constant_count; i++) {
    unsigned disp_offset = code->constants[i].disp_offset;

    put_32(code->out->bytes + disp_offset, code->length - (disp_offset + 4));
    for (unsigned j = 0; j < 8; j++)
      EMIT(code, (uint8_t)(code->constants[i].value >> (8 * j)));
  }
  code->out->length = (uint8_t)code->length;
}

/* From here on the original instruction has had its effect. */
static void mark_exit(struct code *code)
{
  code->out->exit_offset = (uint8_t)code->length;
}

static enum x64_refusal copy(struct code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  unsigned start = code->length;

  emit(code, bytes, insn->length);
  if (insn->rip_relative) {
    uint64_t end = code->to + code->length;

    if (!reaches(end, insn->operand_address))
      return X64_OUT_OF_REACH;
    put_32(code->out->bytes + start + insn->disp_offset, (uint32_t)(insn->operand_address - end));
  }
  return X64_RELOCATED;
}

static enum x64_refusal copy_and_return(struct code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  enum x64_refusal refusal = copy(code, bytes, insn);

  mark_exit(code);
  emit_jump(code, code->next);
  return refusal;
}

static enum x64_refusal jump_if(struct code *code, const uint8_t *opcode, const struct x64_insn *insn)
{
  uint8_t condition = (opcode[0] == 0x0F ? opcode[1] : opcode[0]) & 0xF;

  if (reaches(code->to + code->length, insn->target)) {
    EMIT(code, 0x0F, (uint8_t)(JCC_REL32 | condition));
    emit_relative(code, insn->target);
  } else {
    EMIT(code, (uint8_t)(JCC_REL8 | (condition ^ 1)), 6, GROUP_5, 0x25);
    emit_constant(code, insn->target);
  }
  mark_exit(code);
  emit_jump(code, code->next);
  return X64_RELOCATED;
}

/* loop, jrcxz: there is only a short form, so it jumps over the way back. */
static enum x64_refusal loop_if(struct code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  unsigned back;

  emit(code, bytes, insn->length);            /* the last byte is the displacement */
  back = code->length;
  mark_exit(code);
  emit_jump(code, code->next);
  code->out->bytes[back - 1] = (uint8_t)(code->length - back);
  emit_jump(code, insn->target);
  return X64_RELOCATED;
}

static void push_return_address(struct code *code)
{
  EMIT(code, GROUP_5, 0x35);                  /* push constant(%rip) */
  emit_constant(code, code->next);
}

static enum x64_refusal call(struct code *code, const struct x64_insn *insn)
{
  push_return_address(code);
  emit_jump(code, insn->target);
  mark_exit(code);
  return X64_RELOCATED;
}

static uint8_t with_group(uint8_t modrm, uint8_t group)
{
  return (uint8_t)((modrm & 0xC7) | group << 3);
}

/* The operand lies on the stack, where the return address is about to go: fetch it first.
 *   lea -8(%rsp),%rsp; push operand; movl $low,8(%rsp); movl $high,12(%rsp); ret */
static enum x64_refusal call_through_stack(struct code *code, const uint8_t *bytes, unsigned opcode_at)
{
  const uint8_t *operand = bytes + opcode_at + 1;
  unsigned mod = operand[0] >> 6;
  uint32_t displacement = 0;

  if (mod == 1)
    displacement = (uint32_t)(int32_t)(int8_t)operand[2];
  for (unsigned i = 0; mod == 2 && i < 4; i++)
    displacement |= (uint32_t)operand[2 + i] << (8 * i);
  if ((int32_t)displacement > INT32_MAX - 8 || opcode_at + 7 > X64_INSN_MAX)   /* it grows to a 4-byte displacement */
    return X64_NOT_RELOCATABLE;
  EMIT(code, 0x48, 0x8D, 0x64, 0x24, 0xF8);   /* lea -8(%rsp),%rsp */
  emit(code, bytes, opcode_at);               /* prefixes */
  EMIT(code, GROUP_5, (uint8_t)(2 << 6 | GROUP_PUSH << 3 | MODRM_SIB), operand[1]);
  emit_32(code, displacement + 8);
  EMIT(code, 0xC7, 0x44, 0x24, 0x08);         /* movl $low,8(%rsp) */
  emit_32(code, (uint32_t)code->next);
  EMIT(code, 0xC7, 0x44, 0x24, 0x0C);         /* movl $high,12(%rsp) */
  emit_32(code, (uint32_t)(code->next >> 32));
  EMIT(code, 0xC3);
  mark_exit(code);
  return X64_RELOCATED;
}

static bool has_rex(uint8_t byte)
{
  return (byte & 0xF0) == 0x40;
}

/* call r/m64 becomes push; jmp r/m64, which differs in the group field alone. */
static enum x64_refusal call_indirect(struct code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  unsigned opcode_at = insn->prefix_length;
  uint8_t jump[X64_INSN_MAX], rex = 0, modrm;

  if (has_rex(bytes[opcode_at]))
    rex = bytes[opcode_at++];
  if (bytes[opcode_at] != GROUP_5)
    return X64_NOT_RELOCATABLE;
  modrm = bytes[opcode_at + 1];
  if (!(rex & 1) && (modrm & 0xC7) == (0xC0 | BASE_RSP))
    return X64_NOT_RELOCATABLE;               /* call *%rsp */
  if (!(rex & 1) && modrm < 0xC0 && (modrm & 7) == MODRM_SIB && (bytes[opcode_at + 2] & 7) == BASE_RSP)
    return call_through_stack(code, bytes, opcode_at);
  for (unsigned i = 0; i < insn->length; i++)
    jump[i] = bytes[i];
  jump[opcode_at + 1] = with_group(modrm, GROUP_JMP);
  push_return_address(code);
  mark_exit(code);
  return copy(code, jump, insn);
}

/* The kernel leaves the address behind `syscall` in rcx. */
static enum x64_refusal system_call(struct code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  emit(code, bytes, insn->length);
  mark_exit(code);
  if (reaches(code->to, code->next)) {
    EMIT(code, 0x48, 0x8D, 0x0D);             /* lea next(%rip),%rcx */
    emit_relative(code, code->next);
  } else {
    EMIT(code, 0x48, 0x8B, 0x0D);             /* mov constant(%rip),%rcx */
    emit_constant(code, code->next);
  }
  emit_jump(code, code->next);
  return X64_RELOCATED;
}

static enum x64_refusal transaction(struct code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  if (!reaches(code->to, insn->target))
    return X64_OUT_OF_REACH;
  emit(code, bytes, insn->length - 4u);
  emit_relative(code, insn->target);
  mark_exit(code);
  emit_jump(code, code->next);
  return X64_RELOCATED;
}

/* A 66 prefix on a near branch means 16 bits to AMD and nothing to Intel, unless REX.W overrules it. */
static bool is_ambiguous_branch(const uint8_t *bytes, const struct x64_insn *insn)
{
  bool size_prefix = false;

  if (insn->kind == X64_ORDINARY || insn->kind == X64_SYSCALL || insn->kind == X64_INT3)
    return false;
  for (unsigned i = 0; i < insn->prefix_length; i++)
    size_prefix |= bytes[i] == 0x66;
  return size_prefix && !(has_rex(bytes[insn->prefix_length]) && (bytes[insn->prefix_length] & 8));
}

static bool has_address_prefix(const uint8_t *bytes, const struct x64_insn *insn)
{
  for (unsigned i = 0; i < insn->prefix_length; i++)
    if (bytes[i] == 0x67)
      return true;
  return false;
}

static enum x64_refusal relocate(struct code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  unsigned opcode_at = insn->prefix_length + has_rex(bytes[insn->prefix_length]);

  switch (insn->kind) {
  case X64_CALL:
    return call(code, insn);
  case X64_JMP:
    emit_jump(code, insn->target);
    mark_exit(code);
    return X64_RELOCATED;
  case X64_JCC:
    return jump_if(code, bytes + opcode_at, insn);
  case X64_LOOP:
    return loop_if(code, bytes, insn);
  case X64_CALL_INDIRECT:
    return call_indirect(code, bytes, insn);
  case X64_JMP_INDIRECT:
  case X64_RET: {
    enum x64_refusal refusal = copy(code, bytes, insn);

    mark_exit(code);
    return refusal;
  }
  case X64_SYSCALL:
    return system_call(code, bytes, insn);
  case X64_INT3:
    code->out->trap_offset = (uint8_t)(code->length + insn->length - 1);
    return copy_and_return(code, bytes, insn);
  case X64_XBEGIN:
    return transaction(code, bytes, insn);
  case X64_ORDINARY:
    return copy_and_return(code, bytes, insn);
  case X64_REFUSED:
    break;
  }
  return X64_FAR_TRANSFER;
}

void x64_reach(const struct x64_insn *insn, uint64_t from, uint64_t *low, uint64_t *high)
{
  uint64_t operand = insn->rip_relative ? insn->operand_address : insn->target;
  uint64_t margin = (uint64_t)X64_REACH - 4096;

  (void)from;
  *low = 0;
  *high = UINT64_MAX;
  if (!insn->rip_relative && insn->kind != X64_XBEGIN)
    return;
  *low = operand > margin ? operand - margin : 0;
  *high = operand < UINT64_MAX - margin ? operand + margin : UINT64_MAX;
}

enum x64_refusal x64_relocate(const uint8_t *bytes, size_t size, uint64_t from, uint64_t to, struct x64_displaced *out)
{
  struct code code = {.out = out, .from = from, .to = to};
  struct x64_insn insn;
  enum x64_refusal refusal;

  *out = (struct x64_displaced){.trap_offset = 0xFF};
  if (!x64_decode(bytes, size, from, &insn))
    return X64_UNDECODABLE;
  if (insn.rip_relative && has_address_prefix(bytes, &insn))
    return X64_EIP_RELATIVE;
  if (is_ambiguous_branch(bytes, &insn))
    return X64_NOT_RELOCATABLE;
  code.next = from + insn.length;
  refusal = relocate(&code, bytes, &insn);
  finish(&code);
  return refusal;
}

const char *x64_refusal_text(enum x64_refusal refusal)
{
  switch (refusal) {
  case X64_RELOCATED:
    return "it can be relocated";
  case X64_UNDECODABLE:
    return "the bytes are no instruction";
  case X64_OUT_OF_REACH:
    return "its operand is out of reach from there";
  case X64_FAR_TRANSFER:
    return "a far transfer, a return from the kernel or from an interrupt";
  case X64_EIP_RELATIVE:
    return "its operand is relative to the low half of its own address";
  case X64_PRIVILEGED_RETURN:
    return "it depends on its own address";
  case X64_NOT_RELOCATABLE:
    return "a call through its own stack pointer, or a branch of ambiguous size";
  }
  return "unknown";
}
