/* Displaced instructions of x86-64. What is relative to the pc is made relative to the new one; calls become a push of
 * the original return address and a jump; the rest is copied. Left as it is: the address that an x87 instruction leaves
 * for fnstenv and fxsave to find is the displaced one. */
#include "isa/x86_64/emit.h"

/* A slot for one value, below the return address and below the 128 bytes of the red zone that ends there. */
enum { SLOT_DEPTH = 136, RED_ZONE = 128, NONE = 0xFF };

static enum x64_refusal copy(struct x64_code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  unsigned start = code->length;
  uint64_t end;

  x64_emit(code, bytes, insn->length);
  if (!insn->rip_relative)
    return X64_RELOCATED;
  end = code->to + code->length;
  if (!x64_reaches(end, insn->operand_address))
    return X64_OUT_OF_REACH;
  x64_put_32(code->out->bytes + start + insn->disp_offset, (uint32_t)(insn->operand_address - end));
  return X64_RELOCATED;
}

/* Control leaves within the copy; where the copy faults or traps, the pc still stands for the site. */
static enum x64_refusal copy_transfer(struct x64_code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  enum x64_refusal refusal = copy(code, bytes, insn);

  x64_mark_exit(code);
  return refusal;
}

/* ud2 and hlt come back too: a handler may step over them. */
static enum x64_refusal copy_and_return(struct x64_code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  enum x64_refusal refusal = copy_transfer(code, bytes, insn);

  x64_emit_back(code);
  return refusal;
}

static enum x64_refusal jump(struct x64_code *code, const struct x64_insn *insn)
{
  x64_emit_jump(code, insn->target);
  x64_mark_exit(code);
  return X64_RELOCATED;
}

static enum x64_refusal jump_if(struct x64_code *code, const uint8_t *opcode, const struct x64_insn *insn)
{
  uint8_t condition = (opcode[0] == 0x0F ? opcode[1] : opcode[0]) & 0xF;

  if (x64_reaches(code->to + code->length, insn->target)) {
    X64_EMIT(code, 0x0F, (uint8_t)(X64_JCC_REL32 | condition));
    x64_emit_relative(code, insn->target);
  } else {
    X64_EMIT(code, (uint8_t)(X64_JCC_REL8 | (condition ^ 1)), 6);          /* over the 6 bytes of jmp *constant(%rip) */
    X64_EMIT(code, X64_GROUP_5, X64_GROUP_JMP << 3 | X64_MODRM_RIP);
    x64_emit_constant(code, insn->target);
  }
  x64_mark_exit(code);
  x64_emit_back(code);
  return X64_RELOCATED;
}

/* loop, jrcxz: there is only a short form, so it jumps over the way back. */
static enum x64_refusal loop_if(struct x64_code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  unsigned back;

  x64_emit(code, bytes, insn->length);        /* the last byte is the displacement */
  back = code->length;
  x64_mark_exit(code);
  x64_emit_back(code);
  code->out->bytes[back - 1] = (uint8_t)(code->length - back);
  code->out->taken_offset = (uint8_t)code->length;
  x64_emit_jump(code, insn->target);
  return X64_RELOCATED;
}

static void push_return_address(struct x64_code *code)
{
  X64_EMIT(code, X64_GROUP_5, X64_GROUP_PUSH << 3 | X64_MODRM_RIP);        /* push constant(%rip) */
  x64_emit_constant(code, code->next);
  x64_mark_lowered(code, 8);
}

static enum x64_refusal call(struct x64_code *code, const struct x64_insn *insn)
{
  push_return_address(code);
  return jump(code, insn);
}

/* The operand is in the slot, rsp at the slot: put the return address in its place, go, and leave rsp there. */
static enum x64_refusal go_by_slot(struct x64_code *code)
{
  x64_mark_lowered(code, SLOT_DEPTH + 8);
  x64_store_on_stack(code, RED_ZONE + 8, (uint32_t)code->next);
  x64_store_on_stack(code, RED_ZONE + 12, (uint32_t)(code->next >> 32));
  X64_EMIT(code, 0xC2, RED_ZONE, 0);          /* ret $128 */
  x64_mark_exit(code);
  return X64_RELOCATED;
}

/* An operand in memory that a register leads to may lie where the return address is about to go, as -8(%rsp) does: it
 * is fetched first, into a slot that is nobody's. */
static enum x64_refusal call_by_slot(struct x64_code *code, const uint8_t *bytes, const struct x64_insn *insn,
                                     unsigned opcode_at)
{
  const uint8_t *modrm = bytes + opcode_at + 1;
  bool rex_b = opcode_at > insn->prefix_length && (bytes[opcode_at - 1] & 1);
  unsigned mod = modrm[0] >> 6;
  unsigned start;
  uint32_t displacement = 0;

  x64_lower_stack(code, SLOT_DEPTH, SLOT_DEPTH);
  start = code->length;
  for (unsigned i = 0; i < opcode_at; i++)
    if (bytes[i] != 0x66)                     /* REX.W overrules it on a branch; so that a push need not rely on that */
      x64_emit(code, bytes + i, 1);
  if ((modrm[0] & 7) != X64_MODRM_SIB || (modrm[1] & 7) != X64_BASE_RSP || rex_b) {
    X64_EMIT(code, X64_GROUP_5, (uint8_t)((modrm[0] & 0xC7) | X64_GROUP_PUSH << 3));
    x64_emit(code, modrm + 1, insn->length - opcode_at - 2);
    return go_by_slot(code);
  }
  if (mod == 1)
    displacement = (uint32_t)(int8_t)modrm[2];
  else if (mod == 2)
    displacement = x64_get_32(modrm + 2);
  /* It has to grow, and so has the instruction: by up to 4 bytes. */
  if ((int32_t)displacement > INT32_MAX - SLOT_DEPTH || code->length - start + 7 > X64_INSN_MAX)
    return X64_NOT_RELOCATABLE;
  X64_EMIT(code, X64_GROUP_5, (uint8_t)(2 << 6 | X64_GROUP_PUSH << 3 | X64_MODRM_SIB), modrm[1]);
  x64_emit_32(code, displacement + SLOT_DEPTH);
  return go_by_slot(code);
}

/* call *%rsp: push its value where the return address will be, and take it on from there. */
static enum x64_refusal call_stack_pointer(struct x64_code *code)
{
  X64_EMIT(code, 0x54);                       /* push %rsp */
  x64_mark_lowered(code, 8);
  x64_lower_stack(code, RED_ZONE, SLOT_DEPTH);
  X64_EMIT(code, X64_GROUP_5, 0xB4, 0x24);    /* push 128(%rsp) */
  x64_emit_32(code, RED_ZONE);
  return go_by_slot(code);
}

static bool has_rex(uint8_t byte)
{
  return (byte & 0xF0) == 0x40;
}

/* disp32(%rip), or disp32 alone: not on the stack. */
static bool is_static_operand(const uint8_t *modrm, uint8_t rex)
{
  if (modrm[0] >> 6)
    return false;
  if ((modrm[0] & 7) != X64_MODRM_SIB)
    return (modrm[0] & 7) == X64_MODRM_RIP;
  return (modrm[1] & 7) == X64_BASE_NONE && (modrm[1] >> 3 & 7) == X64_INDEX_NONE && !(rex & 2);
}

static enum x64_refusal call_indirect(struct x64_code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  unsigned opcode_at = insn->prefix_length;
  uint8_t jump_bytes[X64_INSN_MAX], rex = 0, modrm;
  bool is_register;

  if (has_rex(bytes[opcode_at]))
    rex = bytes[opcode_at++];
  modrm = bytes[opcode_at + 1];
  is_register = modrm >> 6 == 3;
  if (is_register && (modrm & 7) == X64_BASE_RSP && !(rex & 1))
    return call_stack_pointer(code);
  if (!is_register && !is_static_operand(bytes + opcode_at + 1, rex))
    return call_by_slot(code, bytes, insn, opcode_at);
  for (unsigned i = 0; i < insn->length; i++)
    jump_bytes[i] = bytes[i];
  /* call differs from jmp in the group field alone. */
  jump_bytes[opcode_at + 1] = (uint8_t)((modrm & 0xC7) | X64_GROUP_JMP << 3);
  push_return_address(code);
  return copy_transfer(code, jump_bytes, insn);
}

/* The kernel leaves the address behind `syscall` in rcx. */
static enum x64_refusal system_call(struct x64_code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  x64_emit(code, bytes, insn->length);
  x64_mark_exit(code);
  if (x64_reaches(code->to, code->next)) {
    X64_EMIT(code, 0x48, 0x8D, 0x0D);         /* lea next(%rip),%rcx */
    x64_emit_relative(code, code->next);
  } else {
    X64_EMIT(code, 0x48, 0x8B, 0x0D);         /* mov constant(%rip),%rcx */
    x64_emit_constant(code, code->next);
  }
  x64_emit_back(code);
  return X64_RELOCATED;
}

static enum x64_refusal transaction(struct x64_code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  x64_emit(code, bytes, insn->length - 4u);
  if (!x64_reaches(code->to + code->length, insn->target))
    return X64_OUT_OF_REACH;
  x64_emit_relative(code, insn->target);
  x64_mark_exit(code);
  x64_emit_back(code);
  return X64_RELOCATED;
}

static bool has_prefix(const uint8_t *bytes, const struct x64_insn *insn, uint8_t prefix)
{
  for (unsigned i = 0; i < insn->prefix_length; i++)
    if (bytes[i] == prefix)
      return true;
  return false;
}

/* A 66 prefix on a near branch means 16 bits to AMD and nothing to Intel, unless REX.W overrules it. Copies of indirect
 * jumps and returns do what the processor makes of them. */
static bool is_ambiguous_branch(const uint8_t *bytes, const struct x64_insn *insn)
{
  uint8_t rex = bytes[insn->prefix_length];

  if (!insn->has_target && insn->kind != X64_CALL_INDIRECT)
    return false;
  return has_prefix(bytes, insn, 0x66) && !(has_rex(rex) && (rex & 8));
}

static enum x64_refusal relocate(struct x64_code *code, const uint8_t *bytes, const struct x64_insn *insn)
{
  switch (insn->kind) {
  case X64_CALL:
    return call(code, insn);
  case X64_JMP:
    return jump(code, insn);
  case X64_JCC:
    return jump_if(code, bytes + insn->prefix_length + has_rex(bytes[insn->prefix_length]), insn);
  case X64_LOOP:
    return loop_if(code, bytes, insn);
  case X64_CALL_INDIRECT:
    return call_indirect(code, bytes, insn);
  case X64_JMP_INDIRECT:
  case X64_RET:
    return copy_transfer(code, bytes, insn);
  case X64_SYSCALL:
    return system_call(code, bytes, insn);
  case X64_INT3:
    code->out->trap_offset = (uint8_t)(insn->length - 1);
    return copy_and_return(code, bytes, insn);
  case X64_XBEGIN:
    return transaction(code, bytes, insn);
  case X64_ORDINARY:
    return copy_and_return(code, bytes, insn);
  case X64_FAR:
    return X64_FAR_TRANSFER;
  case X64_OWN_ADDRESS:
    break;
  }
  return X64_PRIVILEGED_RETURN;
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
  struct x64_code code = {.out = out, .to = to};
  struct x64_insn insn;
  enum x64_refusal refusal;

  *out = (struct x64_displaced){.trap_offset = NONE, .taken_offset = NONE, .back_offset = NONE};
  if (!x64_decode(bytes, size, from, &insn))
    return X64_UNDECODABLE;
  if (insn.rip_relative && has_prefix(bytes, &insn, 0x67))
    return X64_EIP_RELATIVE;
  if (is_ambiguous_branch(bytes, &insn))
    return X64_NOT_RELOCATABLE;
  code.next = from + insn.length;
  refusal = relocate(&code, bytes, &insn);
  x64_emit_constants(&code);
  out->length = (uint8_t)code.length;
  return refusal;
}

uint64_t x64_original_pc(const struct x64_displaced *displaced, const struct x64_insn *insn, uint64_t from,
                         unsigned offset, unsigned *lowered)
{
  *lowered = 0;
  if (offset >= displaced->taken_offset)
    return insn->target;
  if (offset >= displaced->exit_offset)
    return from + insn->length;
  for (unsigned i = 0; i < X64_LOWERED_MAX; i++)
    if (displaced->lowered[i].bytes && offset >= displaced->lowered[i].offset)
      *lowered = displaced->lowered[i].bytes;
  return from;
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
    return "a far transfer or a return from an interrupt";
  case X64_EIP_RELATIVE:
    return "its operand is relative to the low half of its own address";
  case X64_PRIVILEGED_RETURN:
    return "it depends on its own address";
  case X64_NOT_RELOCATABLE:
    return "a branch of ambiguous size, or a call through the far end of the stack";
  }
  return "unknown";
}
