/* Runs a few words of code on the processor from a whole state of registers, in this very process: a breakpoint enters
 * a signal handler, whose frame is given the state, and any further signal ends the run and has its frame taken down.
 * All code areas are filled with breakpoints, so that a run ends wherever the code leads. */
#ifndef TESTS_ISA_A64_MACHINE_H
#define TESTS_ISA_A64_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where nothing else is, in an address space of 39 bits too. Targets and data are within reach of a literal load and a
 * conditional branch, the stack out of any branch's. */
#define A64_CODE UINT64_C(0x2000000000)
#define A64_TARGETS (A64_CODE + 0x40000)
#define A64_SCRATCH (A64_CODE + 0x80000)
#define A64_STACK (A64_CODE + 0x100000000)

enum {
  A64_AREA_SIZE = 0x4000,
  A64_SCALABLE_MAX = 3500 /* bytes: more the kernel keeps outside the frame's own room */
};

struct a64_state {
  uint64_t x[31], sp, pc, pstate;
  uint32_t fpsr, fpcr;
  uint8_t v[32][16];
  uint8_t scalable[A64_SCALABLE_MAX]; /* z0-z31, p0-p15, ffr; of z the low 16 bytes are those of v */
};

struct a64_outcome {
  struct a64_state state;
  int signal;       /* that ended the run; SIGPROF: it went on too long */
  uint64_t address; /* si_addr of a SIGSEGV or SIGBUS */
};

/* What stands for the library's trap handler, at a breakpoint met: sets pc, and x30; false where it is none of its own. */
typedef bool a64_finish(uint64_t *pc, uint64_t *link);

/* How far from A64_CODE: within 1 MiB; within 100; more than a branch reaches, at least in one direction. */
enum a64_distance { A64_NEAR, A64_FAR, A64_BEYOND };

/* Keys of pointer authentication, as a64_machine_sign takes them. */
enum {
  A64_KEY_IA,
  A64_KEY_IB,
  A64_KEY_DA,
  A64_KEY_DB
};

extern size_t a64_machine_vector_length; /* bytes of a scalable vector, 0: frames do not hold any */

/* False, with errno, where the memory or the signals cannot be had. */
bool a64_machine_start(uint64_t *random);

/* One of the areas for displaced code. */
uint64_t a64_machine_area(enum a64_distance distance, uint64_t *random);

/* Puts code into an area; with NULL, breakpoints again. */
void a64_machine_write(uint64_t at, const uint32_t *words, size_t count);

/* From `start`, of whose pstate the flags count; `finish` may be NULL. */
void a64_machine_run(const struct a64_state *start, a64_finish *finish, struct a64_outcome *outcome);

/* `value` signed by a key of this process, or as it is where the processor has no pointer authentication. */
uint64_t a64_machine_sign(uint64_t value, uint64_t modifier, unsigned key);

#endif
