/* Facts about x86-64 instructions, from Zydis. */
#include "isa/x86_64/insn.h"

#include <Zydis/Zydis.h>

static bool decode(const uint8_t *bytes, size_t size, bool minimal, ZydisDecodedInstruction *raw)
{
  ZydisDecoder decoder;

  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  if (minimal)
    ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
  return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, bytes, size, raw));
}

static enum x64_kind kind_of_branch(const ZydisDecodedInstruction *raw)
{
  bool relative = raw->raw.imm[0].is_relative;

  if (raw->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
    return X64_REFUSED;
  switch (raw->mnemonic) {
  case ZYDIS_MNEMONIC_CALL:
    return relative ? X64_CALL : X64_CALL_INDIRECT;
  case ZYDIS_MNEMONIC_JMP:
    return relative ? X64_JMP : X64_JMP_INDIRECT;
  case ZYDIS_MNEMONIC_LOOP:
  case ZYDIS_MNEMONIC_LOOPE:
  case ZYDIS_MNEMONIC_LOOPNE:
  case ZYDIS_MNEMONIC_JCXZ:
  case ZYDIS_MNEMONIC_JECXZ:
  case ZYDIS_MNEMONIC_JRCXZ:
    return X64_LOOP;
  case ZYDIS_MNEMONIC_XBEGIN:
    return X64_XBEGIN;
  case ZYDIS_MNEMONIC_RET:
    return X64_RET;
  default:
    return relative ? X64_JCC : X64_REFUSED;
  }
}

static enum x64_kind kind_of(const ZydisDecodedInstruction *raw)
{
  switch (raw->mnemonic) {
  case ZYDIS_MNEMONIC_SYSCALL:
    return X64_SYSCALL;
  case ZYDIS_MNEMONIC_INT3:
    return X64_INT3;
  case ZYDIS_MNEMONIC_IRET:
  case ZYDIS_MNEMONIC_IRETD:
  case ZYDIS_MNEMONIC_IRETQ:
  case ZYDIS_MNEMONIC_SYSRET:
  case ZYDIS_MNEMONIC_SYSENTER:
  case ZYDIS_MNEMONIC_SYSEXIT:
  case ZYDIS_MNEMONIC_UIRET:
  case ZYDIS_MNEMONIC_RSM:
    return X64_REFUSED;
  default:
    return raw->raw.imm[0].is_relative || raw->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ? kind_of_branch(raw) : X64_ORDINARY;
  }
}

static bool falls_through(const struct x64_insn *insn, ZydisMnemonic mnemonic)
{
  if (insn->kind == X64_JMP || insn->kind == X64_JMP_INDIRECT || insn->kind == X64_RET)
    return false;
  return mnemonic != ZYDIS_MNEMONIC_UD0 && mnemonic != ZYDIS_MNEMONIC_UD1 && mnemonic != ZYDIS_MNEMONIC_UD2 &&
         mnemonic != ZYDIS_MNEMONIC_HLT && insn->kind != X64_REFUSED;
}

bool x64_decode(const uint8_t *bytes, size_t size, uint64_t pc, struct x64_insn *insn)
{
  ZydisDecodedInstruction raw;
  uint64_t next;

  if (!decode(bytes, size, false, &raw))
    return false;
  next = pc + raw.length;
  *insn = (struct x64_insn){.kind = kind_of(&raw), .length = raw.length};
  insn->falls_through = falls_through(insn, raw.mnemonic);
  if (raw.raw.imm[0].is_relative) {
    insn->has_target = true;
    insn->target = next + (uint64_t)raw.raw.imm[0].value.s;
  }
  if ((raw.attributes & ZYDIS_ATTRIB_HAS_MODRM) && raw.raw.modrm.mod == 0 && raw.raw.modrm.rm == 5 && raw.raw.disp.size == 32) {
    insn->rip_relative = true;
    insn->operand_address = next + (uint64_t)raw.raw.disp.value;
    insn->disp_offset = raw.raw.disp.offset;
  }
  insn->prefix_length = raw.raw.prefix_count;
  if (raw.attributes & ZYDIS_ATTRIB_HAS_REX)   /* Zydis counts it among the prefixes */
    insn->prefix_length--;
  return true;
}

size_t x64_length(const uint8_t *bytes, size_t size)
{
  ZydisDecodedInstruction raw;

  return decode(bytes, size, true, &raw) ? raw.length : 0;
}
