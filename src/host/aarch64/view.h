/* States of AArch64's stubs: what the machine's flags say, and those of displaced instructions. */
#ifndef HOST_VIEW_H
#define HOST_VIEW_H

#include "host/host.h"
#include "isa/aarch64/relocate.h"

/* What is not where the program has it. */
enum {
  STATE_X0_X1_IN_FRAME = STATE_MACHINE,
  STATE_LR_IN_FRAME = STATE_MACHINE << 1,
  STATE_X16_PUSHED = STATE_MACHINE << 2,
  STATE_X17_PUSHED = STATE_MACHINE << 3,
  STATE_PUSHED = STATE_X16_PUSHED | STATE_X17_PUSHED,
  STATE_LINK_LOST = STATE_MACHINE << 4    /* a constant is under way into x30 */
};

/* At that offset of the displaced form. */
struct stub_state view_displaced(const struct a64_displaced *displaced, const struct a64_insn *insn, unsigned offset);

/* The displaced instruction. */
static inline uint32_t view_word(const struct site *site)
{
  uint32_t word;

  __builtin_memcpy(&word, site->original + site->shift, sizeof word);
  return word;
}

#endif
