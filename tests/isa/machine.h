/* A stopped process whose registers, vector state and memory a test sets, and which runs one instruction, or a few
 * bytes of code, from there. Its memory is shared with the test. */
#ifndef TESTS_ISA_MACHINE_H
#define TESTS_ISA_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

/* All but the far code lie below 2 GiB: within reach of each other, of absolute displacements and of addresses that an
 * address-size prefix cuts to 32 bits. */
#define CODE_ORIGINAL 0x20000000U
#define CODE_NEAR 0x38000000U
#define CODE_FAR 0x5A0000000000U
#define SCRATCH 0x40000000U
#define STACK 0x48000000U

enum {
  CODE_SIZE = 0x2000,
  DATA_SIZE = 0x10000,
  XSTATE_MAX = 16384,
  XSTATE_FEATURES = 512
};

struct state {
  struct user_regs_struct regs;
  uint8_t xstate[XSTATE_MAX];
};

struct outcome {
  struct state state;
  int signal, code; /* of the signal that ended the run, 0: none */
  uint64_t address; /* si_addr of a SIGSEGV or SIGBUS */
  unsigned steps;
};

struct component {
  uint32_t offset, size; /* inside xstate; size 0: the processor or kernel lacks it */
};

/* Parts of the extended state by their bit: 2 upper halves of ymm, 5 k, 6 upper halves of zmm0-15, 7 zmm16-31. */
extern struct component machine_components[8];
extern size_t machine_xstate_size;

/* False, with errno, where the sandbox cannot be had. */
bool machine_start(void);
void machine_stop(void);

/* The state a fresh process has; states are made from it. */
const struct state *machine_initial(void);

/* Runs from `start` (its rip set to pc) until the pc leaves [pc, pc + size), or for one step, or to a signal. False
 * where the process died or went on too long. */
bool machine_run(const struct state *start, uint64_t pc, size_t size, bool one_step, struct outcome *outcome);

#endif
