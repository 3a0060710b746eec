/* The handler of SIGTRAP, and of SIGILL where bytes that are no instruction stand in entries. */
#include "trap/trap.h"

#include <errno.h>
#include <signal.h>
#include "codemem/arena.h"
#include "core/site.h"
#include "frame/frame.h"
#include "host/host.h"
#include "os/signals.h"
#include "os/text.h"
#include "os/threads.h"
#include "table/table.h"
#include "trap/chain.h"

enum { LOOKS = 3 };

static struct handled {
  int signal_number;
  const char *name;
  struct chain_link previous;
  bool started;
} breakpoint = {.signal_number = SIGTRAP, .name = "SIGTRAP"}, illegal = {.signal_number = SIGILL, .name = "SIGILL"};

static const struct trap_receiver *foreign;

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

/* By somebody, not forced on the thread by a trap. */
static bool is_sent(const siginfo_t *info)
{
  return info && info->si_code <= 0;
}

/* Whether the pc behind a breakpoint at `address` may be where the thread stood anyway. */
static bool begins_behind(const struct site *site, uintptr_t address)
{
  if (!site->stub)
    return table_find(address + HOST_TRAP_PC_OFFSET).site != NULL;
  return site->length == HOST_TRAP_PC_OFFSET && !(site_in_place(site) && site->entry == SIGHOOK_ENTRY_TRAP);
}

/* A signal that was sent goes on to whom it is for. While one to this thread is pending, the kernel drops that of a
 * breakpoint, which is therefore met again; one to the process pends apart, and takes no place. */
static void meet_again(const siginfo_t *info, uintptr_t address, void *ucontext)
{
  struct table_value found = table_find(address);

  if (info->si_code == SI_USER)
    return;
  if (found.site && found.tag == TABLE_DISPLACED_TRAP)
    frame_set_pc(ucontext, site_next(found.site));
  else if (found.site && !begins_behind(found.site, address))
    frame_set_pc(ucontext, address);
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

  if (!found.site || found.tag || !site_was_illegal(found.site, address))
    return false;
  if (atomic_load_explicit(&found.site->state, memory_order_acquire) == SITE_LIVE)
    frame_set_pc(ucontext, site_gate(found.site));
  return true; /* else by what stands there now, at which the pc is */
}

bool trap_claim(int signal_number, const void *siginfo, void *ucontext)
{
  uintptr_t address;

  switch (frame_trap(signal_number, siginfo, ucontext, &address)) {
  case FRAME_BREAKPOINT:
    if (!is_sent(siginfo))
      return claim_breakpoint(address, ucontext);
    meet_again(siginfo, address, ucontext);
    break;
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

static struct chain_link *previous(int signal_number)
{
  return signal_number == SIGILL ? &illegal.previous : &breakpoint.previous;
}

static void deliver(int signal_number, siginfo_t *info, void *ucontext)
{
  if (foreign)
    foreign->deliver(signal_number, info, ucontext);
  else
    chain_deliver(previous(signal_number), signal_number, info, ucontext);
}

void trap_on_signal(int signal_number, siginfo_t *info, void *ucontext, uintptr_t sp, uintptr_t record, uintptr_t back)
{
  uint64_t flags = host_begin_c();

  if (trap_claim(signal_number, info, ucontext))
    return;
  tell_address(info, ucontext);
  host_end_c(flags);
  if (!(foreign ? foreign->on_alternate(signal_number) : chain_on_alternate(previous(signal_number))))
    frame_leave_alternate(signal_number, info, ucontext, sp, record, back, deliver);
  deliver(signal_number, info, ucontext);
}

static struct handled *handled_by(enum trap_kind kind)
{
  return kind == TRAP_ILLEGAL ? &illegal : &breakpoint;
}

sighook_status trap_start(enum trap_kind kind, struct error *error)
{
  struct handled *handled = handled_by(kind);
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER}, now;

  if (sigaction(handled->signal_number, NULL, &now) != 0)    /* who may not ask any more cannot have changed it either */
    return handled->started ? SIGHOOK_OK : error_os(error, SIGHOOK_SIGNAL_FAILED, 0, "sigaction", errno);
  if (handled->started && now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)
    return SIGHOOK_OK;
  action.sa_sigaction = frame_entry;
  *(uint64_t *)&action.sa_mask = OS_SIGNALS_THAT_COME;   /* a handler inside ours would be one more frame on the stack */
  action.sa_flags |= chain_restart_flag(&now);
  chain_set(&handled->previous, &now, handled->started);
  if (sigaction(handled->signal_number, &action, NULL) != 0)
    return error_os(error, SIGHOOK_SIGNAL_FAILED, 0, "sigaction", errno);
  handled->started = true;
  return SIGHOOK_OK;
}

bool trap_handles(int signal_number)
{
  return signal_number == SIGTRAP ? breakpoint.started : signal_number == SIGILL && illegal.started;
}

void trap_hand_to(const struct trap_receiver *receiver)
{
  foreign = receiver;
}

sighook_status trap_check_threads(enum trap_kind kind, uintptr_t address, const char *why, struct error *error)
{
  const struct handled *handled = handled_by(kind);
  int thread = os_thread_that_blocks(handled->signal_number);

  if (!thread)
    return SIGHOOK_OK;
  return error_set(error, SIGHOOK_SIGNAL_FAILED, address,
                   "a trap at %#lx would kill thread %d, which blocks %s; needed since %s", address, thread,
                   handled->name, why);
}
