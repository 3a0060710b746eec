/* The program that works: hooks what it is told to before main begins, so that the rest of the start and the whole end are hooked
 * too. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sighook/sighook.h>
#include "orders.h"
#include "raw_syscall.h"
#include "work.h"

static struct orders *orders;
static struct library libraries[LIBRARIES] = HOSTS_LIBRARIES;

/* As the kernel has it. */
struct kernel_action {
  uintptr_t handler;
  unsigned long flags, more[3];
};

/* By calls that no hook is on. */
static bool is_deaf(void)
{
  struct kernel_action action = {0};
  uint64_t mask = 0;

  host_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask);
  host_syscall4(SYS_rt_sigaction, SIGTRAP, NULL, &action, sizeof mask);
  return mask >> (SIGTRAP - 1) & 1 || action.handler <= 1;
}

static void count(sighook_context *context, void *user)
{
  struct place *place = user;

  (void)context;
  __atomic_fetch_add(&place->hits, 1, __ATOMIC_RELAXED);
  if (orders->ask_for_deafness && is_deaf())
    place->deaf = 1;
}

static void foreign(int number)
{
  (void)number;
  _exit(FOREIGN_TRAP);
}

static __attribute__((noinline)) void nobody(void)
{
  __asm__ volatile("nop");
}

static void hook(struct place *place)
{
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_PROBE,
                       .flags = place->flags,
                       .address = libraries[place->library].table.low + place->offset,
                       .handler = count,
                       .user = place};
  sighook_error error = {.size = sizeof error};
  sighook_info info = {.size = sizeof info};
  sighook_hook made;

  place->status = sighook_install(&spec, &made);
  if (place->status != SIGHOOK_OK) {
    sighook_last_error(&error);
    memcpy(place->reason, error.message, REASON - 1);
  } else if (sighook_query(made, &info) == SIGHOOK_OK) {
    place->entry = info.entry;
    memcpy(place->reason, info.reason, REASON - 1);
  }
}

/* Traps that are not ours end the program at once, so that a death by SIGTRAP is one of a thread that was deaf to it. */
static __attribute__((constructor)) void start(void)
{
  sighook_spec any = {.size = sizeof any, .kind = SIGHOOK_PROBE, .flags = SIGHOOK_FORCE_TRAP, .handler = count};
  sighook_hook made;

  orders = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, ORDERS_FD, 0);
  if (orders == MAP_FAILED)
    _exit(96);
  signal(SIGTRAP, foreign);
  any.address = (uintptr_t)nobody;
  if (sighook_install(&any, &made) != SIGHOOK_OK)
    _exit(95);
  for (unsigned i = 0; i < LIBRARIES; i++)
    if (!library_find(&libraries[i]))
      _exit(94);
  for (unsigned i = 0; i < orders->count; i++)
    hook(&orders->places[i]);
}

int main(void)
{
  work();
  return 0;
}
