/* Instructions of AArch64, as the core asks about them. */
#include "host/host.h"
#include "isa/aarch64/encode.h"
#include "isa/aarch64/insn.h"

enum { WORD = 4 };

static uint32_t word_at(const uint8_t *bytes)
{
  uint32_t word;

  __builtin_memcpy(&word, bytes, sizeof word);
  return word;
}

size_t host_insn_length(const uint8_t *bytes, size_t size)
{
  (void)bytes;
  return size < WORD ? 0 : WORD;
}

size_t host_insn_flow(const uint8_t *bytes, size_t size, uintptr_t pc, struct host_flow *flow)
{
  struct a64_insn insn;

  *flow = (struct host_flow){0};
  if (size < WORD)
    return 0;
  a64_decode(word_at(bytes), pc, &insn);
  flow->has_target = insn.has_target;
  flow->target = insn.target;
  flow->falls_through = insn.falls_through;
  flow->leads_anywhere = insn.kind == A64_BR;
  return WORD;
}

bool host_insn_is_breakpoint(const uint8_t *bytes)
{
  return a64_is_brk(word_at(bytes));
}

bool host_insn_is_everywhere(const uint8_t *bytes, size_t size)
{
  (void)bytes;                         /* nothing asks: no entry of this machine makes a SIGILL */
  (void)size;
  return false;
}

bool host_landing_pad(const uint8_t *bytes, size_t size, struct host_pad *pad)
{
  struct a64_insn insn;

  if (size < WORD)
    return false;
  a64_decode(word_at(bytes), 0, &insn);
  *pad = (struct host_pad){.length = WORD, .signs = a64_is_paciasp(word_at(bytes))};
  return insn.kind == A64_LANDING_PAD;
}

sighook_status host_check_sequence(uintptr_t address, const uint8_t *code, size_t before, size_t size, struct error *error)
{
  uint32_t words[HOST_LOOK_AROUND / WORD * 2 + 1];
  size_t count = size / WORD, index = before / WORD, load, behind;

  __builtin_memcpy(words, code, count * WORD);
  if (!a64_inside_exclusive(words, count, index, &load, &behind))
    return SIGHOOK_OK;
  return error_set(error, SIGHOOK_UNRELOCATABLE, address,
                   "%#lx is inside a load/store-exclusive sequence, which a branch away would break: %#lx and %#lx are not", address,
                   address - (index - load) * WORD, address + (behind - index) * WORD);
}

const uint8_t *host_signal_return(size_t *length)
{
  /* mov x8,#139; svc #0: what libgcc's and gdb's unwinders look for */
  static const uint8_t code[] = {0x68, 0x11, 0x80, 0xD2, 0x01, 0, 0, 0xD4};

  *length = sizeof code;
  return code;
}
