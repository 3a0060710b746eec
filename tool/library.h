/* Shared libraries, which nobody executes. */
#ifndef TOOL_LIBRARY_H
#define TOOL_LIBRARY_H

#include <stdbool.h>

bool library_is(const char *path);

#endif
