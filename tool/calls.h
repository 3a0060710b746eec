/* A module's system calls that change what becomes of signals: the agent answers them in the kernel's place, so that traps stay
 * open. */
#ifndef TOOL_CALLS_H
#define TOOL_CALLS_H

#include <libelf.h>
#include "symbols.h"

/* Only those in functions that the unwind table knows, since their instructions can be told apart. */
void calls_read(struct module *module, Elf *elf, int descriptor);

#endif
