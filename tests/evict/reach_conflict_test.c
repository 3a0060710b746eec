/* Somebody else changes a byte of what gives way when the library has looked at it already: the library tells, and changes
 * nothing. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include "core/site.h"
#include "hooks.h"
#include "host/host.h"
#include "reach.h"
#include "table/table.h"

enum { PAGE = 4096, ARGUMENT = 5 };

static enum reach_kind kind;

static const struct site *site_at(const uint8_t *address)
{
  struct table_value found = table_find((uintptr_t)address);

  REQUIRE(found.site && !found.tag);
  return found.site;
}

/* ---- somebody else ---- */

static uintptr_t meddled;             /* where somebody else writes, when the library is about to store */
static uint8_t meddled_byte;

static void write_code(uintptr_t address, uint8_t byte)
{
  int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

  REQUIRE(memory >= 0 && pwrite(memory, &byte, 1, (off_t)address) == 1);
  close(memory);
}

static void set_meddled(void)
{
  meddled_byte = *(const volatile uint8_t *)meddled;
  write_code(meddled, (uint8_t)~meddled_byte);
}

/* In place of the library's first call of mprotect, by which it opens the page for its store. */
static void meddle(int number, siginfo_t *info, void *context)
{
  static bool done;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

  (void)number;
  (void)info;
  if (!done)
    set_meddled();
  done = true;
  registers[REG_RAX] = syscall(SYS_pkey_mprotect, registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], -1);
}

static void meddle_at(uintptr_t address)
{
  uintptr_t page = address & ~(uintptr_t)(PAGE - 1);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)page, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_READ | PROT_WRITE | PROT_EXEC, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = meddle};

  meddled = address;
  sigaction(SIGSYS, &action, NULL);
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* ---- the library ---- */

/* Whether none of the stubs goes on to a boundary's, and no boundary stands. */
static bool all_lead_back(const struct reach *reach)
{
  for (unsigned i = 0; i <= reach->count; i++) {
    const struct site *site = site_at(i ? reach->boundaries[i - 1] : reach->site);
    uint8_t bytes[HOST_BACK_LENGTH];

    host_stub_back(site, site_next(site), bytes);
    if (site_in_place(site) || site->leads_on ||
        (site->back_offset && memcmp((const void *)(site->stub + site->back_offset + 1), bytes, sizeof bytes) != 0))
      return false;
  }
  return true;
}

static const struct reach *chosen;
static unsigned chosen_boundary;

static sighook_hook install_chosen(void)
{
  sighook_spec spec = spec_of((uintptr_t)chosen->site, 0);

  return reach_install(chosen, kind, &spec);
}

static void meddle_with_installation(void)
{
  sighook_spec spec = spec_of((uintptr_t)chosen->site, 0);
  sighook_hook hook;

  reach_crowd(kind);
  reach_remember();
  REQUIRE(sighook_remove(install_chosen()) == SIGHOOK_OK);        /* the stubs are there, and led on once */
  meddle_at((uintptr_t)chosen->boundaries[chosen_boundary]);
  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_CONFLICT);
  write_code(meddled, meddled_byte);
  reach_require_unchanged(chosen);
  REQUIRE(all_lead_back(chosen));
  REQUIRE(chosen->function(ARGUMENT) == reach_expected(ARGUMENT));
}

/* The same where others in the batch were changed by then. */
static void meddle_with_batch(void)
{
  sighook_hook hooks[REACH_MAX];
  sighook_batch *batch;

  reach_crowd(kind);
  reach_remember();
  REQUIRE(sighook_remove(install_chosen()) == SIGHOOK_OK);
  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = 0; i < reach_count; i++) {
    sighook_spec spec = spec_of((uintptr_t)reaches[i].site, 0);

    REQUIRE(sighook_batch_install(batch, &spec, &hooks[i]) == SIGHOOK_OK);
  }
  meddle_at((uintptr_t)chosen->boundaries[chosen_boundary]);
  REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_CONFLICT);
  sighook_batch_destroy(batch);
  write_code(meddled, meddled_byte);
  for (unsigned i = 0; i < reach_count; i++) {
    reach_require_unchanged(&reaches[i]);
    REQUIRE(all_lead_back(&reaches[i]) && reaches[i].function(ARGUMENT) == reach_expected(ARGUMENT));
  }
}

/* The hook stays, and goes once the byte is back. */
static void meddle_with_removal(void)
{
  sighook_hook hook;

  reach_crowd(kind);
  reach_remember();
  hook = install_chosen();
  meddled = (uintptr_t)chosen->boundaries[chosen_boundary];
  set_meddled();
  REQUIRE(sighook_remove(hook) == SIGHOOK_CONFLICT);
  write_code(meddled, meddled_byte);
  REQUIRE(reach_stands(chosen, kind));
  REQUIRE(chosen->function(ARGUMENT) == reach_expected(ARGUMENT));
  for (unsigned i = 0; i < chosen->count; i++)
    REQUIRE(reach_enter(chosen->boundaries[i], ARGUMENT, chosen->words[i + 1]) == reach_expected(ARGUMENT));
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  reach_require_unchanged(chosen);
  REQUIRE(all_lead_back(chosen));
}

static void at_each_boundary(void (*work)(void))
{
  for (unsigned which = 0; which < REACH_KINDS; which++)
    for (unsigned i = 0; i < reach_count && reach_is_possible(which); i++)
      for (chosen_boundary = 0; chosen_boundary < reaches[i].count; chosen_boundary++) {
        kind = which;
        chosen = &reaches[i];
        if (!in_child(work))
          fail_msg("%s, kind %u, boundary %u", chosen->name, which, chosen_boundary);
      }
}

static void an_installation_in_conflict_changes_nothing(void **state)
{
  (void)state;
  at_each_boundary(meddle_with_installation);
}

static void a_batch_in_conflict_changes_nothing(void **state)
{
  (void)state;
  at_each_boundary(meddle_with_batch);
}

static void a_removal_in_conflict_changes_nothing(void **state)
{
  (void)state;
  at_each_boundary(meddle_with_removal);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_installation_in_conflict_changes_nothing),
      cmocka_unit_test(a_batch_in_conflict_changes_nothing),
      cmocka_unit_test(a_removal_in_conflict_changes_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
