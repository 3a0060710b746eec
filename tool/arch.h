/* What the command and its agent have to know about the machine; tool/<architecture>/arch.c has it. */
#ifndef TOOL_ARCH_H
#define TOOL_ARCH_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arch {
  uint16_t elf;                        /* e_machine of its programs */
  const char *foreign;                 /* what is said about other machines' programs */
  uint32_t jump_slot, global_data;     /* the relocations of slots that stubs of imports jump through */
  uint32_t choice;                     /* that of slots for what an IFUNC of the module itself chose */
  const char *shadow_stack;            /* what the kernel calls it */
  const char *call;                    /* the bytes of a system call */
  uint8_t call_length, number_length;  /* of one, and of the instruction that sets its number */
};
extern const struct arch arch;

/* Programs that this agent can come into have such a header. */
static inline bool arch_runs(const Elf64_Ehdr *header)
{
  return header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
         header->e_machine == arch.elf;
}

/* A stub jumps through a slot that the dynamic loader fills in. */
struct arch_stub {
  uint64_t entry, slot;                /* addresses */
};

/* Finds the first stub at offset `at` or behind it, in the code of a section that lies at `address`. Returns the offset
 * behind the stub; 0 where there is none. */
size_t arch_next_stub(const uint8_t *code, size_t size, uint64_t address, size_t at, struct arch_stub *stub);

/* A system call in code. */
struct arch_call {
  size_t at, end;                      /* where it is met: at the instruction that sets its number, which is certain then, or at the call */
  uint32_t number;                     /* as far as reading in a line tells */
};
#define ARCH_CALL_ANY UINT32_MAX

/* Finds the first one at offset *from or behind it that has a number for which `wanted` is true, or may have. code[0, size) is of one
 * function, and begins with an instruction. *from is then behind the call. */
bool arch_find_call(const uint8_t *code, size_t size, size_t *from, bool (*wanted)(uint32_t number), struct arch_call *call);

/* The file in /proc/<pid> that shows mappings with all of their protection: "maps", or "smaps", which takes the kernel longer. */
const char *arch_mappings(void);

/* Whether the status in /proc/<pid> tells of a shadow stack. */
bool arch_tells_shadow_stack(const char *status);

/* Calls the resolver of an IFUNC as the dynamic loader does. */
uint64_t arch_resolve(uint64_t resolver);

#endif
