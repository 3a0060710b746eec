/* Reading and writing code of this process that other threads may be running. */
#ifndef OS_TEXT_H
#define OS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A path to this address space's memory; to be opened anew for each task, since descriptors are inherited by forks, where
 * they would reach the parent, and may be closed by the program. */
struct os_text {
  int descriptor;           /* below zero: -errno, why none is to be had */
  int failure;              /* errno for which the last read was refused, whatever may be there */
};

void os_text_open(struct os_text *text);
void os_text_close(struct os_text *text);

/* Reads up to `size` bytes without ever faulting, whatever the protection; the count read before the first unreadable one. */
size_t os_text_read(struct os_text *text, uintptr_t address, void *buffer, size_t size);

/* Writes through the descriptor, whatever the protection; in no promised order and not as one store. 0 or errno. */
int os_text_write(struct os_text *text, uintptr_t address, const void *bytes, size_t size);

/* Whether os_text_write works here at all (kernels may be set to refuse it). Probed once. */
bool os_text_writable(void);

#endif
