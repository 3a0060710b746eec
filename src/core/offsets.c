/* The offsets that the assembly uses are those of the structures. */
#include "core/offsets.h"

#include <stddef.h>
#include "core/site.h"
#include "core/thread.h"

#define SAME(structure, member, offset) \
  _Static_assert(offsetof(struct structure, member) == (offset), #structure "." #member)

SAME(site, path, SITE_PATH);
SAME(site, routine, SITE_ROUTINE);
SAME(site, action, SITE_ACTION);
SAME(site, address, SITE_ADDRESS);
SAME(site, stub, SITE_STUB);
SAME(site, probe_offset, SITE_PROBE_OFFSET);
SAME(site, displaced_offset, SITE_DISPLACED_OFFSET);
SAME(site, shift, SITE_SHIFT);
SAME(action, handler, ACTION_HANDLER);
SAME(action, argument, ACTION_ARGUMENT);
SAME(thread, level, THREAD_LEVEL);
SAME(capture_facts, epoch, FACTS_EPOCH);
SAME(capture_facts, self_offset, FACTS_SELF_OFFSET);
SAME(capture_facts, errno_offset, FACTS_ERRNO_OFFSET);
_Static_assert(CLASS_INTEGER == SAVE_INTEGER && CLASS_VECTOR == SAVE_VECTOR && CLASS_FULL == SAVE_FULL, "classes");
_Static_assert(ACTION_CLASS == ACTION_TAG && NO_ACTION == SITE_NO_ACTION, "tagged actions");
_Static_assert((SAVE_VECTOR & SAVE_FULL & SITE_NO_ACTION) == 1 << ACTION_SAVES_BIT && !(SAVE_INTEGER & 1 << ACTION_SAVES_BIT) &&
               (SITE_NO_ACTION & ~SAVE_FULL) == 1 << ACTION_NONE_BIT, "single bits");
