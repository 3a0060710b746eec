/* Functions that only the unwind table knows, as in stripped programs. */
#ifndef TOOL_STARTS_H
#define TOOL_STARTS_H

#include <libelf.h>
#include "symbols.h"

/* Adds those that no symbol names, and to symbols without a size what the table says. */
void starts_read(struct module *module, Elf *elf, int descriptor);

#endif
