/* libgcc's unwinder. Weak: a program that has none, and no use for it, is not made to load it. */
#include "os/describe.h"

struct dwarf_bases {
  void *text, *data, *function;
};

extern void __register_frame_info(const void *rules, void *room) __attribute__((weak));
extern const void *_Unwind_Find_FDE(void *pc, struct dwarf_bases *bases) __attribute__((weak));

/* Here finders of leaks see what libgcc allocates and keeps there; of many arenas the rest lies where they do not look. */
enum { ROOMS = 320 };
static struct os_unwinder_room rooms[ROOMS];
static unsigned used;

/* libgcc before version 13 sorts what was registered when it next looks for anything, which may be in a signal handler: so it
 * looks here and now. */
void os_tell_unwinder(const uint8_t *rules, uintptr_t code, struct os_unwinder_room *room)
{
  struct dwarf_bases bases;

  if (!__register_frame_info || !_Unwind_Find_FDE || (used == ROOMS && !room))
    return;
  __register_frame_info(rules, used < ROOMS ? &rooms[used++] : room);
  _Unwind_Find_FDE((void *)code, &bases);
}
