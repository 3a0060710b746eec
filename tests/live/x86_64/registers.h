/* The register harness: a thread's whole state, loaded before a jump to any address and stored when the code there returns. */
#ifndef TESTS_LIVE_REGISTERS_H
#define TESTS_LIVE_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R11 = 11, R12, R13, R14, R15, GENERAL, VECTORS = 16 };
enum { FLAGS_SEEN = 0xCD5, FLAG_TRAP = 0x100, FLAG_DIRECTION = 0x400 };     /* the first: CF PF AF ZF SF DF OF */
enum { STACK_SLOTS = 2048, STACK_ABOVE = 34, RED_ZONE = 128, EVERYTHING = -1 };

struct registers {
  uint64_t general[GENERAL];          /* by their numbers in instructions; r11 is only read */
  uint64_t flags;
  uint8_t xmm[VECTORS][16];
};

/* A stack of its own, so that what lies below the stack pointer can be looked at, with the way back in every slot from the stack
 * pointer on: whoever pops more than was pushed returns all the same. */
struct image {
  struct registers registers;
  _Alignas(16) uint64_t stack[STACK_SLOTS];
};

/* Numbers of all sizes, the same for the same seed. The direction flag is set for some seeds. */
void image_fill(struct image *image, uint64_t seed);

/* Goes to `address` by `jmp *%r11`; the image becomes what the code there returned with. With FLAG_TRAP among its flags each
 * instruction on the way raises SIGTRAP, until a handler clears the flag at registers_back. */
void image_run(struct image *image, uintptr_t address);

/* Whether they agree: in the registers of `which`, bit by bit of their numbers, or EVERYTHING, with flags and vectors; and in
 * the stack from `depth` bytes below where it began on. Where not, and `what` is not NULL, tells. */
bool image_same(const struct image *seen, const struct image *expected, int which, unsigned depth, const char *what);

void registers_run(struct registers *registers, uintptr_t address);
extern const char registers_back[];   /* where it returns to */

#endif
