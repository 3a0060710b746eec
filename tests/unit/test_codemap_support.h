/* What the code map's tests share: the core's part of reading code, modules, and what binutils say of a file. */
#ifndef TEST_CODEMAP_SUPPORT_H
#define TEST_CODEMAP_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "os/modules.h"
#include "resolve/codemap.h"

/* One byte that the core would put back: reading code shows `original` there. NULL address: none. */
extern const uint8_t *undone_address;
extern uint8_t undone_original;
extern unsigned long reads;   /* calls of plan_read_current */
extern bool reads_are_direct; /* without a system call each, to time what is around them */

/* The loaded module whose path ends with `ending`; "" is the program. Fails the test where there is none. */
struct os_module module_called(const char *ending);
bool has_module(const char *ending);

/* Sorted numbers that a command prints, one a line in hexadecimal; `second` with a further one a line. */
struct numbers {
  uintptr_t *first, *second;
  size_t count;
};

/* Runs a shell command whose %s is the path. */
struct numbers numbers_of(const char *command, const char *path);
void numbers_free(struct numbers *numbers);
/* The index of `value` among numbers->first, or of the first one above it; *exact says which. */
size_t numbers_find(const struct numbers *numbers, uintptr_t value, bool *exact);

/* Asks the code map as the core does. */
struct code_facts facts_of(uintptr_t address);

/* Where the shell's commands find the module's file: an emulator shows files of SYSTEM_ROOT in place of this machine's. */
const char *file_of(const struct os_module *module);

double now_ns(void);

/* READELF and OBJDUMP are those of the compiler's binutils. Function ranges by the unwind table as readelf prints it. */
#define READELF_FUNCTIONS                                                                                              \
  READELF " --debug-dump=frames %s 2>/dev/null | sed -n 's/.* pc=\\([0-9a-f]*\\)\\.\\.\\([0-9a-f]*\\)$/\\1 \\2/p'"
/* Where instructions begin; those with `lock`; where jumps lead. */
#define OBJDUMP_STARTS OBJDUMP " -d --no-show-raw-insn %s | sed -n 's/^ *\\([0-9a-f]*\\):\t.*/\\1/p'"
#define OBJDUMP_LOCKS OBJDUMP " -d --no-show-raw-insn %s | sed -n 's/^ *\\([0-9a-f]*\\):\tlock .*/\\1/p'"
#define OBJDUMP_JUMPS OBJDUMP " -d --no-show-raw-insn %s | sed -n 's/^ *[0-9a-f]*:\tj[a-z]* *\\([0-9a-f]*\\) .*/\\1/p'"

#endif
