/* Whole files, mapped for reading. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_file {
  const uint8_t *bytes;
  size_t size;
};

/* "" is the program that runs. False where the file cannot be read. Later truncation by others would fault: for program files only. */
bool os_file_map(const char *path, struct os_file *file);
void os_file_unmap(struct os_file *file);

#endif
