/* One table for the process: few shapes differ, by what a stub was made for and by what its displaced instruction does to sp. */
#include "core/shape.h"

struct shape shapes[SHAPES_MAX];
static size_t shape_count;

static bool same(const struct shape *shape, const struct host_stub *stub)
{
  const struct stub_state *states = stub->states;

  if (shape->count != stub->state_count)
    return false;
  for (unsigned i = 0; i < shape->count; i++)
    if (shape->states[i].lowered != states[i].lowered || shape->states[i].flags != states[i].flags)
      return false;
  return true;
}

bool shape_find_or_add(const struct host_stub *stub, uint8_t *index)
{
  size_t found = 0;

  while (found < shape_count && !same(&shapes[found], stub))
    found++;
  if (found == SHAPES_MAX)
    return false;
  if (found == shape_count) {
    for (unsigned i = 0; i < HOST_STUB_STATES; i++)
      shapes[found].states[i] = stub->states[i < stub->state_count ? i : stub->state_count - 1u];
    shapes[found].count = stub->state_count;
    shape_count++;
  }
  *index = (uint8_t)found;
  return true;
}

uintptr_t shape_pc(const struct site *site, size_t offset)
{
  unsigned flags = shape_state(site, offset)->flags;

  if (flags & STATE_TARGET)
    return host_stub_target(site, offset);
  return site->address + (flags & STATE_BEHIND_PAD ? site->shift : 0u) + (flags & STATE_BEHIND_INSN ? site->length : 0u);
}
