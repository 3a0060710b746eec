/* Registers of a thread that stands in a stub. */
#include "host/aarch64/view.h"

#include "core/shape.h"
#include "host/aarch64/layout.h"

enum { LR = 30, ZERO = 31 };
_Static_assert((int)HOST_LINK_SAVED == (int)STATE_LR_IN_FRAME && (int)HOST_LINK_LOST == (int)STATE_LINK_LOST &&
               HOST_LINK_OFFSET == CONTEXT_X(LR), "what the unwinder's rules go by");

/* As a64_original_pc has it; but what only moves a constant or an address counts as done once it is under way, since the register's
 * old value is gone. Of a literal's load, whose own register is gone likewise, the memory is still to be read: it counts as to be
 * done. */
struct stub_state view_displaced(const struct a64_displaced *displaced, const struct a64_insn *insn, unsigned offset)
{
  struct stub_state state = {.flags = STATE_BEHIND_PAD};
  bool half_done = offset > 0 && offset < displaced->exit_offset;

  if (offset >= displaced->exit_offset) {
    state.flags |= insn->has_target && offset > displaced->exit_offset ? STATE_TARGET : STATE_BEHIND_INSN;
    return state;
  }
  if (offset < displaced->entry_offset || (insn->has_target && !insn->falls_through))
    state.flags |= STATE_TARGET;
  else if (insn->kind == A64_BL)
    state.flags |= half_done ? STATE_TARGET | STATE_LINK_LOST : 0;
  else if (insn->kind == A64_ADR || insn->kind == A64_ADRP)
    state.flags |= half_done ? STATE_BEHIND_INSN | (insn->rd == LR ? STATE_LINK_LOST : 0) : 0;
  else if (insn->kind == A64_BLR)
    state.flags |= half_done ? STATE_LINK_LOST : 0;
  for (unsigned i = 0; i < A64_LOWERED_MAX; i++)
    if (displaced->lowered[i].offset && offset >= displaced->lowered[i].offset)
      state.lowered = displaced->lowered[i].bytes / STATE_UNIT;
  state.flags |= state.lowered ? STATE_X16_PUSHED : 0;
  return state;
}

/* Before the displaced instruction stand the earlier parts of the same memory copy. */
uintptr_t host_stub_target(const struct site *site, size_t offset)
{
  struct a64_insn insn;

  a64_decode(view_word(site), site_place(site), &insn);
  return insn.has_target ? insn.target : site_place(site) - (site->displaced_offset - offset);
}

/* What counts as done has been done then. Where an authenticated call leads is for the processor to say: that is still to be done. */
static void finish(const struct site *site, unsigned flags, sighook_context *context)
{
  struct a64_insn insn;

  a64_decode(view_word(site), site_place(site), &insn);
  if (insn.kind == A64_ADR || insn.kind == A64_ADRP) {
    if ((flags & STATE_BEHIND_INSN) && insn.rd != ZERO)
      context->x[insn.rd] = insn.operand_address;
  } else if (flags & STATE_LINK_LOST) {
    context->x[LR] = site_next(site);
    if (insn.kind == A64_BLR && !insn.authenticated)
      context->pc = context->x[insn.rn];
  }
}

void host_stub_view(const struct site *site, sighook_context *context)
{
  size_t offset = context->pc - site->stub;
  const struct stub_state *state = shape_state(site, offset);
  const uint64_t *saved = (const uint64_t *)context->sp;

  if (state->flags & STATE_X0_X1_IN_FRAME) {
    context->x[0] = saved[0];
    context->x[1] = saved[1];
  }
  if (state->flags & STATE_LR_IN_FRAME)
    context->x[LR] = saved[CONTEXT_X(LR) / sizeof *saved];
  if (state->flags & STATE_X16_PUSHED)
    context->x[16] = saved[0];
  if (state->flags & STATE_X17_PUSHED)
    context->x[17] = saved[1];
  context->sp += state->lowered * (uintptr_t)STATE_UNIT;
  context->pc = shape_pc(site, offset);
  if (offset >= site->displaced_offset)
    finish(site, state->flags, context);
}
