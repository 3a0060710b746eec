/* Functions that only the unwind table knows, as in stripped programs. */
#ifndef TOOL_STARTS_H
#define TOOL_STARTS_H

#include <libelf.h>
#include "resolve/eh_frame.h"
#include "symbols.h"

/* The unwind table of a file, mapped; addresses in it are the file's. */
struct file_unwind {
  struct eh_table table;
  void *memory;
  size_t size;
};
bool file_unwind_open(struct file_unwind *image, Elf *elf, int descriptor);
void file_unwind_close(struct file_unwind *image);

/* Adds those that no symbol names, and to symbols without a size what the table says. */
void starts_read(struct module *module, Elf *elf, int descriptor);

#endif
