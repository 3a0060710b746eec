/* Sections with code are searched for the bytes of a system call; a function that has some is decoded from its start. */
#include "calls.h"

#include <gelf.h>
#include <string.h>
#include <sys/syscall.h>
#include "arch.h"
#include "starts.h"

static bool is_wanted(uint32_t number)
{
  return number == SYS_rt_sigprocmask || number == SYS_rt_sigaction || number == SYS_rt_sigpending ||
         number == SYS_rt_sigtimedwait || number == SYS_rt_sigsuspend;
}

static void add_call(struct module *module, uint64_t base, const struct arch_call *call)
{
  module->calls = grown(module->calls, module->call_count, &module->call_room, sizeof *module->calls);
  module->calls[module->call_count++] = (struct signal_call){
      .offset = base + call->at, .number = call->number, .length = (uint32_t)(call->end - call->at)};
}

/* Code of one section. */
struct code {
  const uint8_t *bytes;
  size_t size;
  uint64_t address;
};

static void read_function(struct module *module, const struct code *code, const struct eh_function *function)
{
  size_t start = function->start - code->address, end = function->end - code->address, from = 0;
  struct arch_call call;

  while (arch_find_call(code->bytes + start, (end < code->size ? end : code->size) - start, &from, is_wanted, &call))
    add_call(module, function->start, &call);
}

/* What blocks signals or changes handlers, and is no accident of bytes. */
static bool is_wild(const struct code *code, size_t at)
{
  struct arch_call call;
  size_t from = 0;

  return at >= arch.number_length && at + arch.call_length <= code->size &&
         arch_find_call(code->bytes + at - arch.number_length, arch.number_length + arch.call_length, &from, is_wanted, &call) &&
         from == (size_t)arch.number_length + arch.call_length;
}

static void read_code(struct module *module, const struct eh_table *table, const struct code *code)
{
  const uint8_t *at = code->bytes, *end = code->bytes + code->size;

  while ((at = memmem(at, (size_t)(end - at), arch.call, arch.call_length))) {
    uint64_t address = code->address + (uint64_t)(at - code->bytes);
    struct eh_function function;

    if (table && eh_find(table, address, &function) && function.start >= code->address) {
      read_function(module, code, &function);
      address = function.end > address + 1 ? function.end : address + 1;
    } else {
      module->has_wild_calls |= is_wild(code, (size_t)(at - code->bytes));
      address++;
    }
    if (address - code->address >= code->size)
      return;
    at = code->bytes + (address - code->address);
  }
}

void calls_read(struct module *module, Elf *elf, int descriptor)
{
  struct file_unwind image = {0};
  bool has_table = file_unwind_open(&image, elf, descriptor);
  GElf_Shdr header;

  for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
    Elf_Data *data;

    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_PROGBITS || !(header.sh_flags & SHF_EXECINSTR))
      continue;
    data = elf_getdata(section, NULL);
    if (data && data->d_buf)
      read_code(module, has_table ? &image.table : NULL, &(struct code){data->d_buf, data->d_size, header.sh_addr});
  }
  if (has_table)
    file_unwind_close(&image);
}
