/* The register harness: everything that user code can read, loaded before one instruction and stored behind it. */
#ifndef TESTS_LIVE_REGISTERS_H
#define TESTS_LIVE_REGISTERS_H

#include <stdint.h>

enum { VECTORS = 32, PREDICATES = 17, VECTOR_MAX = 256 };   /* the last predicate is ffr */

struct registers {
  uint64_t x[31];
  uint64_t sp;                   /* only read */
  uint64_t nzcv;
  uint64_t fpsr, fpcr;
  uint64_t elsewhere;            /* only read: 1 where it came out at registers_elsewhere */
  uint8_t v[VECTORS * VECTOR_MAX];        /* packed by the vector length */
  uint8_t p[PREDICATES * VECTOR_MAX / 8];
};

/* `sve`: whether vectors are z0 to z31. */
void registers_run(const struct registers *in, struct registers *out, int sve);

/* The one instruction, add x0,x0,#1, and two places where what follows is stored. */
extern const char registers_site[], registers_behind[], registers_elsewhere[];

#endif
