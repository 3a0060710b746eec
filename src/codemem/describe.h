/* What unwinders and debuggers are told of generated code, once and for all. Without memory for that they are not. Called under the
 * library's lock. */
#ifndef CODEMEM_DESCRIBE_H
#define CODEMEM_DESCRIBE_H

#include "codemem/rules.h"

void describe_stubs(const struct rules_area *area);
void describe_islands(uintptr_t page, size_t size);

#endif
