/* Instruction forms as real files contain them: one instance of each, for tests that want breadth. */
#ifndef TESTS_ISA_FORMS_H
#define TESTS_ISA_FORMS_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct form {
  uint64_t key; /* equal for two instructions of the same form */
  uint32_t seen;
  uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH], length;
};

struct forms {
  struct form *slots; /* open addressing by key; seen == 0: free */
  size_t capacity, count, decoded;
};

struct decoded {
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/* xorshift64*; the state must not be 0. */
uint64_t next_random(uint64_t *state);

bool decode(const uint8_t *bytes, size_t size, struct decoded *out);

/* Adds the forms of .text of the ELF file; which instance stands for a form is left to `random`. False where the file
 * is not there or has no .text. */
bool forms_add_file(struct forms *forms, const char *path, uint64_t *random);

/* Packs the forms into slots[0..count) in random order. Nothing can be added afterwards. */
void forms_finish(struct forms *forms, uint64_t *random);

/* False of what cannot be single-stepped by itself, and of what does not do the same twice. */
bool runs_alone(const struct decoded *decoded);

#endif
