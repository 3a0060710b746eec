#include "forms.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  FORMS_CAPACITY = 1 << 16
};

uint64_t next_random(uint64_t *state)
{
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545F4914F6CDD1DU;
}

bool decode(const uint8_t *bytes, size_t size, struct decoded *out)
{
  static ZydisDecoder decoder;
  static bool ready;
  if (!ready)
    ready = ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64));
  return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, &out->insn, out->operands));
}

static uint64_t mix(uint64_t key, uint64_t value)
{
  key = (key ^ value) * 0x9E3779B97F4A7C15U;
  return key ^ key >> 29;
}

/* How a memory operand is addressed matters to the relocator, so it belongs to the form: pc, rsp or another base, index
 * or none, size of the displacement, fs or gs. */
static uint64_t memory_shape(const ZydisDecodedOperandMem *mem)
{
  uint64_t base = mem->base == ZYDIS_REGISTER_NONE                                     ? 0
                  : mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP ? 1
                  : mem->base == ZYDIS_REGISTER_RSP || mem->base == ZYDIS_REGISTER_ESP ? 2
                                                                                       : 3;
  uint64_t segment = mem->segment == ZYDIS_REGISTER_FS ? 1 : mem->segment == ZYDIS_REGISTER_GS ? 2 : 0;
  return base | (uint64_t)(mem->index != ZYDIS_REGISTER_NONE) << 2 | segment << 3;
}

static uint64_t form_key(const struct decoded *decoded)
{
  const ZydisDecodedInstruction *insn = &decoded->insn;
  const ZydisInstructionAttributes prefixes = ZYDIS_ATTRIB_HAS_LOCK | ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
                                              ZYDIS_ATTRIB_HAS_REPNE | ZYDIS_ATTRIB_HAS_OPERANDSIZE |
                                              ZYDIS_ATTRIB_HAS_ADDRESSSIZE;
  uint64_t key = mix(insn->mnemonic, insn->opcode_map);
  key = mix(key, insn->length);
  key = mix(key, insn->encoding);
  key = mix(key, insn->attributes & prefixes);
  key = mix(key, insn->raw.disp.size);
  for (unsigned i = 0; i < insn->operand_count_visible; i++) {
    const ZydisDecodedOperand *operand = &decoded->operands[i];
    key = mix(key, operand->type);
    key = mix(key, operand->size);
    key = mix(key, operand->encoding);
    if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
      key = mix(key, memory_shape(&operand->mem));
  }
  return key;
}

static void add(struct forms *forms, const uint8_t *bytes, const struct decoded *decoded, uint64_t *random)
{
  uint64_t key = form_key(decoded);
  size_t at = key % forms->capacity;
  while (forms->slots[at].seen && forms->slots[at].key != key)
    at = (at + 1) % forms->capacity;
  struct form *form = &forms->slots[at];
  if (!form->seen && ++forms->count > forms->capacity / 2) {
    fprintf(stderr, "more forms than expected\n");
    abort();
  }
  form->key = key;
  if (next_random(random) % ++form->seen)
    return; /* so that every instance is equally likely to be the one kept */
  form->length = decoded->insn.length;
  memcpy(form->bytes, bytes, form->length);
}

static void add_code(struct forms *forms, const uint8_t *code, size_t size, uint64_t *random)
{
  struct decoded decoded;
  for (size_t at = 0; at < size;) {
    if (!decode(code + at, size - at, &decoded)) {
      at++; /* data among the code */
      continue;
    }
    forms->decoded++;
    add(forms, code + at, &decoded, random);
    at += decoded.insn.length;
  }
}

static bool add_text(struct forms *forms, const uint8_t *file, size_t size, uint64_t *random)
{
  const Elf64_Ehdr *header = (const void *)file;
  if (size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_machine != EM_X86_64 ||
      header->e_shoff + (uint64_t)header->e_shnum * sizeof(Elf64_Shdr) > size || header->e_shstrndx >= header->e_shnum)
    return false;
  const Elf64_Shdr *sections = (const void *)(file + header->e_shoff);
  const char *names = (const char *)file + sections[header->e_shstrndx].sh_offset;
  for (unsigned i = 0; i < header->e_shnum; i++) {
    if (strcmp(names + sections[i].sh_name, ".text") != 0 || sections[i].sh_offset + sections[i].sh_size > size)
      continue;
    add_code(forms, file + sections[i].sh_offset, sections[i].sh_size, random);
    return true;
  }
  return false;
}

bool forms_add_file(struct forms *forms, const char *path, uint64_t *random)
{
  if (!forms->slots) {
    forms->capacity = FORMS_CAPACITY;
    forms->slots = calloc(forms->capacity, sizeof *forms->slots);
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0)
    return false;
  uint8_t *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (file == MAP_FAILED)
    return false;
  bool found = add_text(forms, file, (size_t)status.st_size, random);
  munmap(file, (size_t)status.st_size);
  return found;
}

void forms_finish(struct forms *forms, uint64_t *random)
{
  size_t packed = 0;
  for (size_t i = 0; i < forms->capacity; i++)
    if (forms->slots[i].seen)
      forms->slots[packed++] = forms->slots[i];
  for (size_t i = packed; i > 1; i--) {
    size_t other = next_random(random) % i;
    struct form kept = forms->slots[i - 1];
    forms->slots[i - 1] = forms->slots[other];
    forms->slots[other] = kept;
  }
}

bool runs_alone(const struct decoded *decoded)
{
  for (unsigned i = 0; i < decoded->insn.operand_count; i++) {
    const ZydisDecodedOperand *operand = &decoded->operands[i];
    if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->reg.value == ZYDIS_REGISTER_SS &&
        operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
      return false; /* holds the single step off until after the next instruction */
  }
  switch (decoded->insn.meta.category) {
  case ZYDIS_CATEGORY_SYSCALL:
  case ZYDIS_CATEGORY_SYSRET:
  case ZYDIS_CATEGORY_XSAVE:
  case ZYDIS_CATEGORY_XSAVEOPT:
  case ZYDIS_CATEGORY_VTX:
    return false;
  case ZYDIS_CATEGORY_INTERRUPT:
    return decoded->insn.mnemonic == ZYDIS_MNEMONIC_INT3;
  default:
    break;
  }
  switch (decoded->insn.mnemonic) {
  case ZYDIS_MNEMONIC_RDTSC:
  case ZYDIS_MNEMONIC_RDTSCP:
  case ZYDIS_MNEMONIC_RDPMC:
  case ZYDIS_MNEMONIC_RDPRU:
  case ZYDIS_MNEMONIC_RDPID:
  case ZYDIS_MNEMONIC_RDRAND:
  case ZYDIS_MNEMONIC_RDSEED:
  case ZYDIS_MNEMONIC_CPUID:
  case ZYDIS_MNEMONIC_XGETBV:
  case ZYDIS_MNEMONIC_VMMCALL:
  case ZYDIS_MNEMONIC_INT1:
  /* Where the kernel emulates them, it forgets the single step. */
  case ZYDIS_MNEMONIC_SGDT:
  case ZYDIS_MNEMONIC_SIDT:
  case ZYDIS_MNEMONIC_SLDT:
  case ZYDIS_MNEMONIC_SMSW:
  case ZYDIS_MNEMONIC_STR:
    return false;
  default:
    return true;
  }
}
