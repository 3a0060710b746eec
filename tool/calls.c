/* Sections with code are searched for the bytes of a system call; a function that has some is decoded from its start.
 * glibc since 2.41 makes those that can be cancelled, rt_sigsuspend among them, in a function that may not be hooked, since
 * the handler of cancellation compares a pc with its addresses: they are met where that function is called. */
#include "calls.h"

#include <gelf.h>
#include <string.h>
#include <sys/syscall.h>
#include "arch.h"
#include "host/host.h"
#include "resolve/shape.h"
#include "starts.h"

static bool is_wanted(uint32_t number)
{
  return number == SYS_rt_sigprocmask || number == SYS_rt_sigaction || number == SYS_rt_sigpending ||
         number == SYS_rt_sigtimedwait || number == SYS_rt_sigsuspend || number == SYS_clone3;
}

static void add_call(struct module *module, uint64_t base, const struct arch_call *call, bool passed)
{
  module->calls = grown(module->calls, module->call_count, &module->call_room, sizeof *module->calls);
  module->calls[module->call_count++] = (struct signal_call){
      .offset = base + call->at, .number = call->number, .length = (uint32_t)(call->end - call->at), .passed = passed};
}

/* Code of one section. */
struct code {
  const uint8_t *bytes;
  size_t size;
  uint64_t address;
  uint64_t cancellable;                /* where the function begins that makes cancellable calls; 0: there is none */
};

static uint64_t find_cancellable(const struct eh_table *table, const struct code *code)
{
  struct eh_function function;
  size_t start, end;

  if (!table || !shape_find_cancellation(code->bytes, code->size, &start, &end) ||
      !eh_find(table, code->address + start, &function))
    return 0;
  return function.start;
}

/* Its callers make such calls themselves too, where nothing can be cancelled. */
static void read_passed(struct module *module, const struct code *code, size_t start, size_t end)
{
  struct host_flow flow;

  for (size_t at = start, length; at < end; at += length) {
    length = host_insn_flow(code->bytes + at, end - at, code->address + at, &flow);
    if (!length)
      return;
    if (flow.has_target && flow.target == code->cancellable)
      add_call(module, code->address, &(struct arch_call){at, at + length, ARCH_CALL_ANY}, true);
  }
}

static void read_function(struct module *module, const struct code *code, const struct eh_function *function)
{
  size_t start = function->start - code->address, end = function->end - code->address, from = 0;
  struct arch_call call;

  if (function->start == code->cancellable)
    return;
  if (end > code->size)
    end = code->size;
  while (arch_find_call(code->bytes + start, end - start, &from, is_wanted, &call))
    add_call(module, function->start, &call, false);
  if (code->cancellable)
    read_passed(module, code, start, end);
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

/* The table's entry for clone3 ends right before its call, since in the child the rest would be wrong. */
static bool find_function(const struct eh_table *table, uint64_t call, struct eh_function *function)
{
  if (eh_find(table, call, function))
    return true;
  if (!eh_find(table, call - 1, function) || function->end != call)
    return false;
  function->end += arch.call_length;
  return true;
}

static void read_code(struct module *module, const struct eh_table *table, const struct code *code)
{
  const uint8_t *at = code->bytes, *end = code->bytes + code->size;

  while ((at = memmem(at, (size_t)(end - at), arch.call, arch.call_length))) {
    uint64_t address = code->address + (uint64_t)(at - code->bytes);
    struct eh_function function;

    if (table && find_function(table, address, &function) && function.start >= code->address) {
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
    struct code code;
    Elf_Data *data;

    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_PROGBITS || !(header.sh_flags & SHF_EXECINSTR))
      continue;
    data = elf_getdata(section, NULL);
    if (!data || !data->d_buf)
      continue;
    code = (struct code){.bytes = data->d_buf, .size = data->d_size, .address = header.sh_addr};
    code.cancellable = find_cancellable(has_table ? &image.table : NULL, &code);
    read_code(module, has_table ? &image.table : NULL, &code);
  }
  if (has_table)
    file_unwind_close(&image);
}
