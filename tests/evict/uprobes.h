/* Breakpoints that the kernel sets in a file's code, in this process: by perf events of the kind `uprobe`. */
#ifndef TESTS_EVICT_UPROBES_H
#define TESTS_EVICT_UPROBES_H

#include <stdbool.h>
#include <stdint.h>

/* False, with the reason told, where there are none to be had. */
bool uprobes_work(void);

/* Sets one; a descriptor. -1 where the kernel takes none on such an instruction, as on those with a segment override. */
int uprobe_set(uintptr_t address);

/* How often it was met. */
long uprobe_hits(int probe);

void uprobe_clear(int probe);

#endif
