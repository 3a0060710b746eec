/* Facts about x86-64 instructions, from Zydis. */
#include "isa/x86_64/insn.h"

#include <Zydis/Zydis.h>

/* Knights Corner's branches on mask registers, which Zydis knows and no other processor runs. */
static bool exists(const ZydisDecodedInstruction *raw)
{
  return raw->mnemonic != ZYDIS_MNEMONIC_JKZD && raw->mnemonic != ZYDIS_MNEMONIC_JKNZD;
}

static bool decode(const uint8_t *bytes, size_t size, bool minimal, ZydisDecodedInstruction *raw)
{
  ZydisDecoder decoder;

  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  if (minimal)
    ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
  return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, bytes, size, raw)) && exists(raw);
}

static enum x64_kind kind_of_branch(const ZydisDecodedInstruction *raw)
{
  bool relative = raw->raw.imm[0].is_relative;

  if (raw->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
    return X64_FAR;
  switch (raw->mnemonic) {
  case ZYDIS_MNEMONIC_CALL:
    return relative ? X64_CALL : X64_CALL_INDIRECT;
  case ZYDIS_MNEMONIC_JMP:
    return relative ? X64_JMP : X64_JMP_INDIRECT;
  case ZYDIS_MNEMONIC_LOOP:
  case ZYDIS_MNEMONIC_LOOPE:
  case ZYDIS_MNEMONIC_LOOPNE:
  case ZYDIS_MNEMONIC_JECXZ:
  case ZYDIS_MNEMONIC_JRCXZ:
    return X64_LOOP;
  case ZYDIS_MNEMONIC_XBEGIN:
    return X64_XBEGIN;
  case ZYDIS_MNEMONIC_RET:
    return X64_RET;
  default:
    return relative ? X64_JCC : X64_OWN_ADDRESS;
  }
}

static enum x64_kind kind_of(const ZydisDecodedInstruction *raw)
{
  switch (raw->mnemonic) {
  case ZYDIS_MNEMONIC_SYSCALL:
    return X64_SYSCALL;
  case ZYDIS_MNEMONIC_INT3:
    return X64_INT3;
  case ZYDIS_MNEMONIC_INT:
    return raw->raw.imm[0].value.u == 3 ? X64_INT3 : X64_ORDINARY;
  case ZYDIS_MNEMONIC_IRET:
  case ZYDIS_MNEMONIC_IRETD:
  case ZYDIS_MNEMONIC_IRETQ:
    return X64_FAR;
  case ZYDIS_MNEMONIC_SYSRET:
  case ZYDIS_MNEMONIC_SYSENTER:
  case ZYDIS_MNEMONIC_SYSEXIT:
  case ZYDIS_MNEMONIC_UIRET:
  case ZYDIS_MNEMONIC_RSM:
  case ZYDIS_MNEMONIC_ENCLU:                  /* EENTER hands the enclave the address behind it, in rcx */
    return X64_OWN_ADDRESS;
  default:
    if (raw->raw.imm[0].is_relative || raw->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE)
      return kind_of_branch(raw);
    return X64_ORDINARY;
  }
}

static bool falls_through(enum x64_kind kind, ZydisMnemonic mnemonic)
{
  switch (kind) {
  case X64_JMP:
  case X64_JMP_INDIRECT:
  case X64_RET:
    return false;
  case X64_FAR:
    return mnemonic == ZYDIS_MNEMONIC_CALL;
  case X64_OWN_ADDRESS:
    return mnemonic == ZYDIS_MNEMONIC_ENCLU;
  default:
    return mnemonic != ZYDIS_MNEMONIC_UD0 && mnemonic != ZYDIS_MNEMONIC_UD1 && mnemonic != ZYDIS_MNEMONIC_UD2 &&
           mnemonic != ZYDIS_MNEMONIC_HLT;
  }
}

/* By the instruction set that it came with; the manuals give ud0 to ud2 no other. */
static bool is_everywhere(const ZydisDecodedInstruction *raw)
{
  switch (raw->meta.isa_ext) {
  case ZYDIS_ISA_EXT_BASE:
  case ZYDIS_ISA_EXT_LONGMODE:
  case ZYDIS_ISA_EXT_MMX:
  case ZYDIS_ISA_EXT_SSE:
  case ZYDIS_ISA_EXT_SSE2:
  case ZYDIS_ISA_EXT_X87:
    return raw->mnemonic != ZYDIS_MNEMONIC_UD0 && raw->mnemonic != ZYDIS_MNEMONIC_UD1 && raw->mnemonic != ZYDIS_MNEMONIC_UD2;
  default:
    return false;
  }
}

bool x64_decode(const uint8_t *bytes, size_t size, uint64_t pc, struct x64_insn *insn)
{
  ZydisDecodedInstruction raw;
  uint64_t next;

  if (!decode(bytes, size, false, &raw))
    return false;
  next = pc + raw.length;
  *insn = (struct x64_insn){.kind = kind_of(&raw), .length = raw.length};
  insn->falls_through = falls_through(insn->kind, raw.mnemonic);
  insn->everywhere = is_everywhere(&raw);
  if (raw.raw.imm[0].is_relative) {
    insn->has_target = true;
    insn->target = next + (uint64_t)raw.raw.imm[0].value.s;
  }
  /* The displacement's size tells a memory operand from registers: mod means nothing to `mov` from cr0. */
  if ((raw.attributes & ZYDIS_ATTRIB_HAS_MODRM) && raw.raw.modrm.mod == 0 && raw.raw.modrm.rm == 5 &&
      raw.raw.disp.size == 32) {
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

size_t x64_filler(const uint8_t *bytes, size_t size)
{
  size_t at = 0, length = x64_length(bytes, size);

  while (at < length && (bytes[at] == 0x66 || bytes[at] == 0x2E))
    at++;
  if (at + 1 == length && (bytes[at] == 0x90 || (at == 0 && bytes[at] == 0xCC)))
    return length;
  return at + 2 < length && bytes[at] == 0x0F && bytes[at + 1] == 0x1F ? length : 0;
}
