/* One site for each kind of branch of x86-64. */
#ifndef TESTS_SIGNALS_BRANCHES_H
#define TESTS_SIGNALS_BRANCHES_H

#include <stdint.h>
#include <sighook/sighook.h>
#include "patterns.h"
#include "targets.h"

struct branch {
  long (*function)(long);
  uintptr_t site;
  sighook_entry entry;
  long result;
};
enum {
  BRANCHES_MAX = 16
};

/* Across two lines: a hook comes and goes in phases. */
extern const uint8_t phased_site[];
__asm__(".text\n\t.p2align 6\n\t.skip 61, 0x90\n\t.globl phased_site\n\t.type phased_site, "
        "@function\nphased_site:\n\t.cfi_startproc\n"
        "\tlea 0x11223344(%rdi), %rax\n\tret\n\t.cfi_endproc\n\t.size phased_site, . - phased_site\n");

/* The sites that get an evicting branch have nothing else free. Answers how many there are. */
static inline unsigned branches_of_each_kind(struct branch branches[BRANCHES_MAX], long argument)
{
  unsigned number = 0;

  branches[number++] = (struct branch){adds_1234, (uintptr_t)adds_1234, SIGHOOK_ENTRY_BRANCH, argument + 1234};
  branches[number++] =
      (struct branch){tests_and_branches, (uintptr_t)tests_and_branches, SIGHOOK_ENTRY_PUNNED, argument + 1};
  targets_crowd();
  for (unsigned i = 0; i < target_count; i++)
    branches[number++] = (struct branch){targets[i].function, (uintptr_t)targets[i].site, SIGHOOK_ENTRY_EVICTED,
                                         target_expected(argument)};
  return number;
}

#endif
