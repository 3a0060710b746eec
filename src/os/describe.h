/* Generated code is made known to whoever unwinds or debugs this process, once; it never goes. Both keep pointers to what they are
 * given. */
#ifndef OS_DESCRIBE_H
#define OS_DESCRIBE_H

#include <stddef.h>
#include <stdint.h>

/* `rules` are in the form of .eh_frame, with a terminator. Nothing happens in a process without an unwinder. May allocate. `room` may
 * be NULL for what matters less: where little is left, it is not told. */
struct os_unwinder_room {
  uint64_t words[16];
};
void os_tell_unwinder(const uint8_t *rules, uintptr_t code, struct os_unwinder_room *room);

/* `name` is shown for the code. The rules, at most OS_DEBUGGER_RULES bytes, are copied. */
enum { OS_DEBUGGER_RULES = 512 };
struct os_debugger_room {
  uint64_t words[64 + OS_DEBUGGER_RULES / 8];
};
void os_tell_debugger(const uint8_t *rules, size_t rules_length, uintptr_t code, size_t code_size, const char *name,
                      struct os_debugger_room *room);

#endif
