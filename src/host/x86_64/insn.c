/* Instructions of x86-64, as the core asks about them. */
#include "host/host.h"
#include "isa/x86_64/insn.h"

enum { INT3 = 0xCC };

size_t host_insn_length(const uint8_t *bytes, size_t size)
{
  return x64_length(bytes, size);
}

size_t host_insn_flow(const uint8_t *bytes, size_t size, uintptr_t pc, struct host_flow *flow)
{
  struct x64_insn insn;

  *flow = (struct host_flow){0};
  if (!x64_decode(bytes, size, pc, &insn))
    return 0;
  flow->has_target = insn.has_target;
  flow->target = insn.target;
  flow->falls_through = insn.falls_through;
  flow->leads_anywhere = insn.kind == X64_JMP_INDIRECT;
  return insn.length;
}

bool host_insn_is_breakpoint(const uint8_t *bytes)
{
  return bytes[0] == INT3;
}

bool host_insn_is_everywhere(const uint8_t *bytes, size_t size)
{
  struct x64_insn insn;

  return x64_decode(bytes, size, 0, &insn) && insn.everywhere;
}

bool host_landing_pad(const uint8_t *bytes, size_t size, struct host_pad *pad)
{
  (void)bytes;                       /* a jump in the place of endbr64 is one everywhere: programs run without IBT */
  (void)size;
  (void)pad;
  return false;
}

sighook_status host_check_sequence(uintptr_t address, const uint8_t *code, size_t before, size_t size, struct error *error)
{
  (void)address;                     /* no instruction's meaning hangs on its neighbours here */
  (void)code;
  (void)before;
  (void)size;
  (void)error;
  return SIGHOOK_OK;
}

const uint8_t *host_signal_return(size_t *length)
{
  /* mov $15,%rax; syscall: what libgcc's and gdb's unwinders look for */
  static const uint8_t code[] = {0x48, 0xC7, 0xC0, 0x0F, 0, 0, 0, 0x0F, 0x05};

  *length = sizeof code;
  return code;
}
