#define _GNU_SOURCE
#include "blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <signal.h>
#include <ucontext.h>
#include "code.h"
#include "isa/x86_64/insn.h"
#include "targets.h"

enum { BLOCKS_MAX = 24, BEHIND = 8, LEFT = 6, TAKEN_MAX = 3,
       DEPTH = RED_ZONE - 3 * 8 };    /* who popped three slots too many has its red zone that much higher */

#define EVERY(X)                                                                                                        \
  X(moves) X(carries) X(pushes) X(branches) X(loops) X(calls) X(vectors) X(tails) X(row) X(mixed_row) X(leans_on_third)
#define DECLARE(symbol) extern const uint8_t symbol[], symbol##_end[];
#define TELL(symbol) {.name = #symbol, .start = (uintptr_t)symbol, .end = (uintptr_t)symbol##_end},
EVERY(DECLARE)

static struct block all[BLOCKS_MAX] = {EVERY(TELL)};
struct block *const blocks = all;
unsigned block_count;

void block_set_up(const struct block *block, unsigned number, struct image *image)
{
  image_fill(image, (uint64_t)(block - blocks) * 10000 + number);
}

bool block_is_right(const struct block *block, unsigned number, const struct image *seen, bool tell)
{
  return image_same(seen, &block->results[number], EVERYTHING, DEPTH, tell ? block->name : NULL);
}

bool block_is_pristine(const struct block *block)
{
  return memcmp(block->pristine, (const void *)block->start, block->end - block->start) == 0;
}

/* ---- the room that jumps have ---- */

void blocks_crowd(uint64_t seed)
{
  struct code nearby = {.low = UINTPTR_MAX};

  for (unsigned i = 0; i < block_count; i++) {
    nearby.low = all[i].start < nearby.low ? all[i].start : nearby.low;
    nearby.high = all[i].end > nearby.high ? all[i].end : nearby.high;
  }
  code_crowd(&nearby, LEFT, seed);
}

void blocks_take_windows(void)
{
  for (unsigned i = 0; i < block_count; i++)
    for (unsigned j = 0; j < all[i].count; j++) {
      const uint8_t *site = (const uint8_t *)all[i].sites[j];
      size_t length = x64_length(site, X64_INSN_MAX);

      if (length <= TAKEN_MAX)
        take_windows(site, (unsigned)length);
    }
}

/* ---- the truth ---- */

static const struct block *stepped;
static unsigned stepped_case;

/* Before each instruction of the case. */
static void arrive(int signal, siginfo_t *info, void *context)
{
  ucontext_t *state = context;
  uintptr_t pc = (uintptr_t)state->uc_mcontext.gregs[REG_RIP];

  (void)signal;
  (void)info;
  for (unsigned i = 0; i < stepped->count; i++)
    stepped->arrivals[stepped_case][i] += pc == stepped->sites[i];
  if (pc == (uintptr_t)registers_back)
    state->uc_mcontext.gregs[REG_EFL] &= ~FLAG_TRAP;
}

/* What a run comes to; what a stepped one comes to is the same. */
static void run_case(const struct block *block, unsigned number)
{
  static struct image image;

  block_set_up(block, number, &block->results[number]);
  image_run(&block->results[number], block_entry(block, number));
  block_set_up(block, number, &image);
  image.registers.flags |= FLAG_TRAP;
  stepped = block;
  stepped_case = number;
  image_run(&image, block_entry(block, number));
  assert_true(block_is_right(block, number, &image, true));
}

static void take_the_truth(struct block *block)
{
  for (uintptr_t at = block->start; at < block->end; at += x64_length((const uint8_t *)at, block->end - at)) {
    assert_true(block->count < SITES_MAX);
    block->sites[block->count++] = at;
  }
  block->cases = block->count * STATES;
  block->pristine = malloc(block->end - block->start);
  block->results = aligned_alloc(_Alignof(struct image), block->cases * sizeof *block->results);
  block->arrivals = calloc(block->cases, sizeof *block->arrivals);
  memcpy(block->pristine, (const void *)block->start, block->end - block->start);
  for (unsigned i = 0; i < block->cases; i++)
    run_case(block, i);
}

/* To the end of the instructions that an entry for `next` may lean on. */
static struct block block_of(const struct target *target)
{
  uintptr_t end = (uintptr_t)target->next;

  while (end < (uintptr_t)target->next + BEHIND)
    end += x64_length((const uint8_t *)end, X64_INSN_MAX);
  return (struct block){.name = target->name, .start = (uintptr_t)target->function, .end = end};
}

void blocks_start(void)
{
  struct sigaction stepping = {.sa_sigaction = arrive, .sa_flags = SA_SIGINFO}, before;

  sigaction(SIGTRAP, &stepping, &before);
  while (all[block_count].name)
    block_count++;
  for (unsigned i = 0; i < target_count; i++)
    all[block_count++] = block_of(&targets[i]);
  for (unsigned i = 0; i < block_count; i++)
    take_the_truth(&all[i]);
  sigaction(SIGTRAP, &before, NULL);
}
