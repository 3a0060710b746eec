/* The function decoded last, and reading code ahead. Private to the code map. */
#ifndef RESOLVE_DECODED_H
#define RESOLVE_DECODED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "resolve/eh_frame.h"
#include "resolve/modules.h"

enum { DECODE_WINDOW = 1024 };   /* code read at once */

enum {
  MARK_LINEAR = 1, /* an instruction begins here, decoded from the function's start */
  MARK_TARGET = 2, /* a direct branch leads here */
  MARK_INNER = 4,  /* an instruction begins here, decoded from a target inside another instruction */
  MARK_HEAD = 8,   /* a direct branch leads back here */
  MARK_START = 15, /* any of these */
  MARK_SEEN = 16,  /* by the walk under way */
  MARK_LOOP = 32,  /* found out: the head of a loop */
  MARK_ONCE = 64   /* ... and of none */
};

/* The function decoded last: a mark for each of its bytes. */
struct decoded {
  uint64_t module; /* its serial number; 0: nothing is decoded */
  uintptr_t start, end;
  uintptr_t decoded_to; /* linear decoding went wrong there, or came to the end */
  uint8_t *marks;
  size_t size;
};
extern struct decoded decoded;

/* Code of the function, read ahead. */
struct reader {
  uintptr_t at, end; /* what bytes[] holds begins at `at`; nothing from `end` on is wanted */
  size_t length;
  uint8_t bytes[DECODE_WINDOW];
};

void reader_open(struct reader *reader, uintptr_t end);

/* How many bytes from `address` on are in *bytes: an instruction's length at least, if they are to be had. */
size_t reader_ahead(struct reader *reader, uintptr_t address, const uint8_t **bytes);

/* False where the function is too large, or memory is refused: then nothing is decoded. */
bool decode_function(const struct module *module, const struct eh_function *function);
bool decode_is_of(const struct module *module, const struct eh_function *function);

#endif
