/* The handler of SIGTRAP, and of SIGILL where bytes that are no instruction stand in entries. */
#include "trap/trap.h"

#include <errno.h>
#include <signal.h>
#include "codemem/arena.h"
#include "core/site.h"
#include "frame/frame.h"
#include "host/host.h"
#include "os/text.h"
#include "table/table.h"
#include "trap/chain.h"

enum { LOOKS = 3 };

static struct handled {
  struct chain_link previous;
  bool started;
} breakpoint, illegal;

/* Looked at without reading, since code may be executable only. What cannot be looked at is taken for a breakpoint: not ours. */
static bool breakpoint_stands(uintptr_t address)
{
  uint8_t code[HOST_TRAP_LENGTH] __attribute__((aligned(HOST_TRAP_LENGTH)));
  struct os_text text;
  size_t length;

  os_text_open(&text);
  length = os_text_read(&text, address, code, sizeof code);
  os_text_close(&text);
  return length < sizeof code || host_insn_is_breakpoint(code);
}

/* Whether the breakpoint that a thread met at a site is not ours, removed since, but one that stands there still. The site may
 * come to life and go again between two looks, so more than one has to say the same. */
static bool stands_for_others(uintptr_t address)
{
  for (unsigned look = 0; look < LOOKS; look++) {
    const struct site *site;
    enum site_state state;

    if (!breakpoint_stands(address))
      return false;
    site = table_find(address).site;   /* not always the one of before: another kind of hook may have a stub of its own */
    state = (enum site_state)atomic_load_explicit(&site->state, memory_order_acquire);
    if (state == SITE_LIVE || state == SITE_PATCHING)
      return false;
  }
  return true;
}

static bool claim_breakpoint(uintptr_t address, void *ucontext)
{
  struct table_value found = table_find(address);

  if (!found.site)
    return frame_finish(ucontext, arena_site_at(address));
  if (found.tag == TABLE_DISPLACED_TRAP) {   /* the program's own breakpoint, run in a stub: report it where it stood */
    frame_set_pc(ucontext, HOST_TRAP_PC_OFFSET ? site_next(found.site) : site_place(found.site));
    return false;
  }
  switch ((enum site_state)atomic_load_explicit(&found.site->state, memory_order_acquire)) {
  case SITE_LIVE:
    if (found.site->shift)           /* ours stands behind this address */
      return false;
    frame_set_pc(ucontext, site_gate(found.site));
    return true;
  case SITE_PATCHING:
    frame_set_pc(ucontext, address);
    return true;
  case SITE_IDLE:
  case SITE_PATCH:
    break;
  }
  if (stands_for_others(address))
    return false;
  frame_set_pc(ucontext, address);
  return true;
}

/* Only boundaries inside jumps are no instructions. Where there was one, an instruction stands again that is valid, so that no
 * signal of the program's is taken for a late one. */
static bool claim_illegal(uintptr_t address, void *ucontext)
{
  struct table_value found = table_find(address);

  if (!found.site || found.tag || !found.site->was_illegal)
    return false;
  switch ((enum site_state)atomic_load_explicit(&found.site->state, memory_order_acquire)) {
  case SITE_LIVE:
    frame_set_pc(ucontext, site_gate(found.site));
    return true;
  case SITE_PATCH:                   /* by the caller's bytes, which may be no instruction */
    return false;
  case SITE_PATCHING:
  case SITE_IDLE:
    break;
  }
  frame_set_pc(ucontext, address);
  return true;
}

bool trap_claim(int signal_number, const void *siginfo, void *ucontext)
{
  uintptr_t address;

  switch (frame_trap(signal_number, siginfo, ucontext, &address)) {
  case FRAME_BREAKPOINT:
    return claim_breakpoint(address, ucontext);
  case FRAME_ILLEGAL:
    return claim_illegal(address, ucontext);
  case FRAME_NO_TRAP:
    break;
  }
  return false;
}

/* Where the system tells a breakpoint's address too, it is that of the program's, not of its displaced form. */
static void tell_address(siginfo_t *info, const void *ucontext)
{
  if (!HOST_TRAP_PC_OFFSET && info->si_code == TRAP_BRKPT)
    info->si_addr = (void *)frame_pc(ucontext);
}

static void on_signal(int signal_number, siginfo_t *info, void *ucontext)
{
  if (trap_claim(signal_number, info, ucontext))
    return;
  tell_address(info, ucontext);
  chain_deliver(signal_number == SIGILL ? &illegal.previous : &breakpoint.previous, signal_number, info, ucontext);
}

static sighook_status start(struct handled *handled, int signal_number, struct error *error)
{
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

  if (handled->started)
    return SIGHOOK_OK;
  action.sa_sigaction = on_signal;
  sigemptyset(&action.sa_mask);
  if (sigaction(signal_number, NULL, &handled->previous.action) != 0 || sigaction(signal_number, &action, NULL) != 0)
    return error_os(error, SIGHOOK_SIGNAL_FAILED, 0, "sigaction", errno);
  handled->started = true;
  return SIGHOOK_OK;
}

sighook_status trap_start(struct error *error)
{
  return start(&breakpoint, SIGTRAP, error);
}

sighook_status trap_start_illegal(struct error *error)
{
  return start(&illegal, SIGILL, error);
}
