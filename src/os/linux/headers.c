/* Program headers -> what is known of a module. Pure: the module itself is not looked at. */
#include "os/linux/headers.h"

#include "os/memory.h"

static void add_load(struct os_module *module, const ElfW(Phdr) * header, uintptr_t start, uintptr_t end)
{
  if (!module->high || start < module->low)
    module->low = start;
  if (end > module->high)
    module->high = end;
  if (module->segment_count < OS_MODULE_SEGMENTS)
    module->segments[module->segment_count++] =
        (struct os_segment){start, end,
                            (header->p_flags & PF_R ? OS_READ : 0u) | (header->p_flags & PF_W ? OS_WRITE : 0u) |
                                (header->p_flags & PF_X ? OS_EXECUTE : 0u)};
  if (!(header->p_flags & PF_X))
    return;
  if (!module->text_end || start < module->text)
    module->text = start;
  if (end > module->text_end)
    module->text_end = end;
}

static void add_header(struct os_module *module, const ElfW(Phdr) * header)
{
  uintptr_t start = module->base + header->p_vaddr, end = start + header->p_memsz;

  if (end <= start)
    return;
  switch (header->p_type) {
  case PT_LOAD:
    add_load(module, header, start, end);
    break;
  case PT_GNU_EH_FRAME:
    module->unwind = start;
    module->unwind_end = end;
    break;
  case PT_DYNAMIC:
    module->dynamic = start;
    module->dynamic_end = end;
    break;
  default:
    break;
  }
}

bool headers_read(struct os_module *module, const ElfW(Phdr) * headers, unsigned count)
{
  bool interpreted = false;

  for (unsigned i = 0; i < count; i++) {
    add_header(module, &headers[i]);
    interpreted |= headers[i].p_type == PT_INTERP;
  }
  return interpreted;
}

const struct os_segment *os_module_segment(const struct os_module *module, uintptr_t address, unsigned protection)
{
  for (unsigned i = 0; i < module->segment_count; i++) {
    const struct os_segment *segment = &module->segments[i];

    if (address >= segment->start && address < segment->end && (segment->protection & protection) == protection)
      return segment;
  }
  return NULL;
}
