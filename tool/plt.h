/* A program's stubs for what it imports. */
#ifndef TOOL_PLT_H
#define TOOL_PLT_H

#include <libelf.h>
#include "symbols.h"

void plt_read(struct module *module, Elf *elf);

#endif
