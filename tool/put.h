/* Parts of JSON lines. Integers above 2^53 are strings, since readers in JavaScript round them. */
#ifndef TOOL_PUT_H
#define TOOL_PUT_H

#include <stdint.h>
#include <stdio.h>
#include <yajl/yajl_gen.h>

void json_text(yajl_gen json, const char *text);
/* Bytes that may be no UTF-8. */
void json_bytes(yajl_gen json, const char *bytes);
void json_number(yajl_gen json, uint64_t value);
void json_named_number(yajl_gen json, const char *name, uint64_t value);
void json_named_bytes(yajl_gen json, const char *name, const char *bytes);

/* Closes the object, and writes the line. */
void json_end_line(yajl_gen json, FILE *out);

#endif
