#include "a64_forms.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  FORMS_CAPACITY = 1 << 14,
  BLOCK = 64 /* words */
};

uint64_t next_random(uint64_t *state)
{
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545F4914F6CDD1DU;
}

/* Encoding groups, the first that fits, and what of a word is opcode there (Arm ARM C4.1). */
struct group {
  uint32_t mask, value, opcode;
};

static const struct group groups[] = {
    {0xFFFF0000, 0x00000000, 0xFFFF0000}, /* udf */
    {0x1E000000, 0x00000000, 0xFFFFF010}, /* SME */
    {0x1E000000, 0x04000000, 0xFFFFF010}, /* SVE: where its opcodes end differs much; rather too much than too little */
    {0x1F000000, 0x10000000, 0x9F000000}, /* adr, adrp */
    {0x1F800000, 0x11800000, 0xFFC0C000}, /* addg */
    {0x1F000000, 0x11000000, 0xFFC00000}, /* add, sub immediate */
    {0x1F800000, 0x12800000, 0xFFE00000}, /* move wide */
    {0x1F000000, 0x12000000, 0xFFC00000}, /* logical immediate */
    {0x1F000000, 0x13000000, 0xFFC00000}, /* bitfield, extract */
    {0x7C000000, 0x14000000, 0xFC000000}, /* b, bl */
    {0xFE000000, 0x54000000, 0xFF00001F}, /* b.cond */
    {0x7C000000, 0x34000000, 0xFF000000}, /* cbz, tbz */
    {0xFF000000, 0xD4000000, 0xFFE0001F}, /* exceptions */
    {0xFFFFF01F, 0xD503201F, 0xFFFFFFFF}, /* hints */
    {0xFF000000, 0xD5000000, 0xFFFFFFE0}, /* system */
    {0xFE000000, 0xD6000000, 0xFFFFFC00}, /* branches by register */
    {0x3B000000, 0x18000000, 0xFF000000}, /* literals */
    {0x3F000000, 0x08000000, 0xFFE08000}, /* exclusives and what lies among them */
    {0xBE000000, 0x0C000000, 0xFFE0FC00}, /* vector structures */
    {0x3B000000, 0x19000000, 0xFFE00C00}, /* ldapur, tags, memory copies */
    {0x3A000000, 0x28000000, 0xFFC00000}, /* pairs */
    {0x3B000000, 0x39000000, 0xFFC00000}, /* an unsigned offset */
    {0x3B200000, 0x38000000, 0xFFE00C00}, /* a signed offset */
    {0xFF200400, 0xF8200400, 0xFFA00C00}, /* ldraa */
    {0x3B200C00, 0x38200800, 0xFFE0FC00}, /* a register offset */
    {0x3B200000, 0x38200000, 0xFFE0FC00}, /* atomics */
    {0x1F000000, 0x0A000000, 0xFFE00000}, /* logical */
    {0x1F200000, 0x0B000000, 0xFFE00000}, /* add, sub shifted */
    {0x1F200000, 0x0B200000, 0xFFE0E000}, /* add, sub extended */
    {0x1FE00000, 0x1A400000, 0xFFE00C10}, /* ccmp */
    {0x1FE00000, 0x1A800000, 0xFFE00C00}, /* csel */
    {0x5FE00000, 0x5AC00000, 0xFFFFFC00}, /* one source */
    {0x1F000000, 0x1A000000, 0xFFE0FC00}, /* adc, two sources */
    {0x1F000000, 0x1B000000, 0xFFE08000}, /* three sources */
    {0x5F000000, 0x1F000000, 0xFFE08000}, /* scalar floating point: three sources */
    {0x5F200000, 0x1E000000, 0xFFFF0000}, /* fixed point */
    {0x5F207C00, 0x1E204000, 0xFFFFFC00}, /* one source */
    {0x5F203C00, 0x1E202000, 0xFFE0FC1F}, /* fcmp */
    {0x5F201C00, 0x1E201000, 0xFFE01C00}, /* fmov immediate */
    {0x5F200C00, 0x1E200400, 0xFFE00C10}, /* fccmp */
    {0x5F200C00, 0x1E200C00, 0xFFE00C00}, /* fcsel */
    {0x5F20FC00, 0x1E200000, 0xFFFFFC00}, /* integers */
    {0x5F200000, 0x1E200000, 0xFFE0FC00}, /* two sources */
    {0xFF808000, 0xCE000000, 0xFFE08000}, /* four registers: eor3, bcax */
    {0x9F200C00, 0x0E200800, 0xFFFFFC00}, /* vectors: one source, across */
    {0xDF200C00, 0x5E200800, 0xFFFFFC00}, /* the same of scalars */
    {0x9F000400, 0x0F000000, 0xFFC0F400}, /* by element */
    {0xDF000400, 0x5F000000, 0xFFC0F400}, {0x1F000000, 0x0F000000, 0xFFF8FC00}, /* shifts and immediates */
    {0x00000000, 0x00000000, 0xFFE0FC00},
};

uint32_t a64_form_key(uint32_t word)
{
  size_t i = 0;
  while ((word & groups[i].mask) != groups[i].value)
    i++;
  return word & groups[i].opcode;
}

/* The first that fits counts; no name: it can be run. */
static const struct {
  uint32_t mask, value;
  const char *name;
} not_alone[A64_NOT_ALONE_MAX] = {
    {0xFFE0001F, 0xD4000001, "svc"},
    {0xFFE0001F, 0xD4400000, "hlt"}, /* emulators take it for semihosting */
    {0xFFFFFFFF, 0xD503205F, "wfe"},
    {0xFFFFFFFF, 0xD503207F, "wfi"},
    {0xFFFFFFE0, 0xD5031000, "wfet"},
    {0xFFFFFFE0, 0xD5031020, "wfit"},
    {0xFFFFF0FF, 0xD503407F, "smstart, smstop"}, /* another set of registers */
    {0xFFFFFF00, 0xD53B2400, "mrs rndr"},
    {0xFFFFF000, 0xD53B9000, "mrs of a performance counter"},
    {0xFFFFF000, 0xD53BE000, "mrs of a timer"},
    {0xFFFFFFE0, 0xD51B4200, NULL}, /* msr nzcv, fpcr, fpsr */
    {0xFFFFFFC0, 0xD51B4400, NULL},
    {0xFFF00000, 0xD5100000, "msr"}, /* the thread pointer, most of all */
    {0xFFFFFFE0, 0xD50B7420, NULL},  /* dc zva */
    {0xFFFFF000, 0xD50B7000, "dc, ic"},
    {0xFFD80000, 0xD5080000, "sys"},
    {0xFFE0FC00, 0x9AC01000, "irg"}, /* random */
    {0xFFFFFFE0, 0xD5233060, "tstart"},
    {0x00000000, 0x00000000, NULL},
};

int a64_not_alone(uint32_t word)
{
  int i = 0;
  while ((word & not_alone[i].mask) != not_alone[i].value)
    i++;
  return not_alone[i].name ? i : -1;
}

const char *a64_not_alone_name(int index)
{
  return not_alone[index].name;
}

static void add(struct a64_forms *forms, uint32_t word, uint64_t *random)
{
  uint32_t key = a64_form_key(word);
  size_t at = (key * UINT64_C(0x9E3779B97F4A7C15) >> 40) % forms->capacity;
  while (forms->slots[at].seen && forms->slots[at].key != key)
    at = (at + 1) % forms->capacity;
  struct a64_form *form = &forms->slots[at];
  if (!form->seen && ++forms->count > forms->capacity / 2) {
    fprintf(stderr, "more forms than expected\n");
    abort();
  }
  form->key = key;
  /* So that every instance is equally likely to be one of those kept. */
  uint64_t place = form->seen < A64_INSTANCES ? form->seen : next_random(random) % (form->seen + UINT64_C(1));
  if (place < A64_INSTANCES)
    form->words[place] = word;
  form->seen++;
}

/* Assembly puts tables among the code. An eighth of all words is in groups that hold no instruction (Arm ARM C4.1), so
 * that hardly a block of data is without one. */
static bool is_data(const uint32_t *code, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if ((code[i] & 0x1A000000) == 0x02000000 || (code[i] & 0x9E000000) == 0)
      return true;
  return false;
}

static void add_code(struct a64_forms *forms, const uint32_t *code, size_t count, uint64_t *random)
{
  for (size_t at = 0, size; at < count; at += size) {
    size = count - at < BLOCK ? count - at : BLOCK;
    if (is_data(code + at, size))
      continue;
    forms->words += size;
    for (size_t i = 0; i < size; i++)
      add(forms, code[at + i], random);
  }
}

static bool add_text(struct a64_forms *forms, const uint8_t *file, size_t size, uint64_t *random)
{
  const Elf64_Ehdr *header = (const void *)file;
  if (size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_machine != EM_AARCH64 ||
      header->e_shoff + (uint64_t)header->e_shnum * sizeof(Elf64_Shdr) > size || header->e_shstrndx >= header->e_shnum)
    return false;
  const Elf64_Shdr *sections = (const void *)(file + header->e_shoff);
  const char *names = (const char *)file + sections[header->e_shstrndx].sh_offset;
  for (unsigned i = 0; i < header->e_shnum; i++) {
    if (strcmp(names + sections[i].sh_name, ".text") != 0 || sections[i].sh_offset + sections[i].sh_size > size)
      continue;
    add_code(forms, (const void *)(file + sections[i].sh_offset), sections[i].sh_size / sizeof(uint32_t), random);
    return true;
  }
  return false;
}

bool a64_forms_add_file(struct a64_forms *forms, const char *path, uint64_t *random)
{
  if (!forms->slots) {
    forms->capacity = FORMS_CAPACITY;
    forms->slots = calloc(forms->capacity, sizeof *forms->slots);
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0)
    return false;
  uint8_t *file = MAP_FAILED;
  if (fstat(fd, &status) == 0)
    file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (file == MAP_FAILED)
    return false;
  bool found = add_text(forms, file, (size_t)status.st_size, random);
  munmap(file, (size_t)status.st_size);
  return found;
}

void a64_forms_finish(struct a64_forms *forms, uint64_t *random)
{
  size_t packed = 0;
  for (size_t i = 0; i < forms->capacity; i++)
    if (forms->slots[i].seen)
      forms->slots[packed++] = forms->slots[i];
  for (size_t i = packed; i > 1; i--) {
    size_t other = next_random(random) % i;
    struct a64_form kept = forms->slots[i - 1];
    forms->slots[i - 1] = forms->slots[other];
    forms->slots[other] = kept;
  }
}
