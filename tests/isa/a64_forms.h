/* Instruction forms of A64 as real files contain them, a few instances of each; a form is what is left of an
 * instruction without its registers and immediate numbers. */
#ifndef TESTS_ISA_A64_FORMS_H
#define TESTS_ISA_A64_FORMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  A64_INSTANCES = 4,
  A64_NOT_ALONE_MAX = 24
};

struct a64_form {
  uint32_t key, words[A64_INSTANCES];
  uint32_t seen; /* 0: the slot is free; less than A64_INSTANCES: so many words there are */
};

struct a64_forms {
  struct a64_form *slots; /* open addressing by key */
  size_t capacity, count, words;
};

/* xorshift64*; the state must not be 0. */
uint64_t next_random(uint64_t *state);

uint32_t a64_form_key(uint32_t word);

/* Adds the forms of .text of the ELF file; which instances stand for a form is left to `random`. False where the file
 * is not there or has no .text. */
bool a64_forms_add_file(struct a64_forms *forms, const char *path, uint64_t *random);

/* Packs the forms into slots[0..count) in random order. Nothing can be added afterwards. */
void a64_forms_finish(struct a64_forms *forms, uint64_t *random);

/* Why an instruction cannot be run by itself, or does not do the same twice: an index for a64_not_alone_name. Negative:
 * it can be run. */
int a64_not_alone(uint32_t word);
const char *a64_not_alone_name(int index);

#endif
