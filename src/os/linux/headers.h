/* What a module's program headers say of it. */
#ifndef OS_LINUX_HEADERS_H
#define OS_LINUX_HEADERS_H

#include <link.h>
#include "os/modules.h"

/* Fills in segments and tables of a module whose `base` is set. Answers whether it asks for a dynamic loader. */
bool headers_read(struct os_module *module, const ElfW(Phdr) * headers, unsigned count);

#endif
