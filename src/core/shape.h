/* The shapes of stubs: for each place in one, how far sp is below the program's own, where registers are that the stub uses, and
 * which pc of the program it stands for. Many stubs share one. Read by whoever looks at a pc in a stub: sighook_original_pc,
 * sighook_fix_context, and the unwind tables, whose rules read it in this form. Kept under the library's lock. */
#ifndef CORE_SHAPE_H
#define CORE_SHAPE_H

#include "core/site.h"
#include "host/host.h"

enum { SHAPES_MAX = 256 };           /* a site has one byte for it */

struct shape {
  struct stub_state states[HOST_STUB_STATES];
  uint8_t count;                     /* those behind are as the last of these */
};
extern struct shape shapes[SHAPES_MAX];

/* Finds or adds it; false where there are too many already. */
bool shape_find_or_add(const struct host_stub *stub, uint8_t *index);

/* At that offset of the site's stub. [anywhere] */
static inline const struct stub_state *shape_state(const struct site *site, size_t offset)
{
  return &shapes[site->shape].states[offset / HOST_INSN_ALIGN];
}

/* The pc of the program that it stands for. [anywhere] */
uintptr_t shape_pc(const struct site *site, size_t offset);

#endif
