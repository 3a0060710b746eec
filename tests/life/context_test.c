/* Coroutines of libc's own (makecontext) that are hit near the end of a small stack: what docs/callbacks.md asks for is enough,
 * and what lies below stays as it was. */
#define _GNU_SOURCE
#include "more.h"

#include <alloca.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { BEGUN = 1024, OF_A_CALL = 160, MARGIN = 512, HITS = 3, CANARY = 0xC5 };   /* BEGUN: of a coroutine that does nothing yet */
enum { SIGNAL_STACK = 128 * 1024 };

static ucontext_t own, back;
static uint8_t *stack;                /* its lowest byte; canaries are below */
static size_t left;
static volatile unsigned done;

/* Goes down as far as it may, then hits, and switches away and back in between. */
static void hit_near_the_end(void)
{
  volatile uint8_t *down = alloca((uintptr_t)__builtin_frame_address(0) - (uintptr_t)stack - left);

  down[0] = 1;
  for (unsigned i = 0; i < HITS; i++) {
    REQUIRE(touches_nothing(i) == i + 1l);
    done++;
    swapcontext(&own, &back);
  }
}

static void run_coroutine(size_t need)
{
  size_t size = (need + BEGUN + OF_A_CALL + 15) / 16 * 16, below = MARGIN;
  uint8_t *memory = malloc(below + size);

  memset(memory, CANARY, below + size);
  stack = memory + below;
  left = need + OF_A_CALL;
  done = 0;
  REQUIRE(getcontext(&own) == 0);
  own.uc_stack.ss_sp = stack;
  own.uc_stack.ss_size = size;
  own.uc_link = &back;
  makecontext(&own, hit_near_the_end, 0);
  for (unsigned i = 1; i <= HITS; i++) {
    REQUIRE(swapcontext(&back, &own) == 0 && done == i);
    REQUIRE(touches_nothing(1) == 2);
  }
  REQUIRE(swapcontext(&back, &own) == 0 && done == HITS);
  for (size_t i = 0; i < below; i++)
    REQUIRE(memory[i] == CANARY);
  free(memory);
}

static uint32_t entry;                /* the one tried */
static bool signal_stack;

static void count(sighook_context *context, void *user)
{
  (void)context;
  ++*(unsigned *)user;
}

/* Integer-only handlers, then such as have everything saved. `count` needs nothing of its own but a return address. */
static void hit_in_coroutines(void)
{
  size_t width = vector_width(), trap = entry && !signal_stack ? NEED_TO_SIGNAL + signal_frame() + more[IN_TRAP].bytes : 0;
  stack_t alternate = {.ss_sp = malloc(SIGNAL_STACK), .ss_size = SIGNAL_STACK};

  if (signal_stack)
    REQUIRE(sigaltstack(&alternate, NULL) == 0);
  for (unsigned i = 0; i < 3; i++) {
    const uint32_t flags[] = {SIGHOOK_INTEGER_ONLY, 0, SIGHOOK_SAVE_X87};
    const size_t needs[] = {NEED_INTEGER, need_vector(width), need_full(width)};
    sighook_spec spec = spec_for(touches_nothing, count, flags[i] | entry);
    unsigned hits = 0;
    sighook_hook hook;

    spec.user = &hits;
    hook = must_install(spec);
    REQUIRE((must_query(hook).entry == SIGHOOK_ENTRY_TRAP) == (entry == SIGHOOK_FORCE_TRAP));
    REQUIRE(touches_nothing(1) == 2);   /* the thread's first hit needs more */
    run_coroutine(needs[i] > trap ? needs[i] : trap);
    REQUIRE(hits == 1 + 2 * HITS);
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  }
}

static void a_coroutine_near_the_end_of_a_small_stack_is_hit(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    entry = i & 1 ? SIGHOOK_FORCE_TRAP : 0;
    signal_stack = i & 2;
    assert_true(in_child(hit_in_coroutines));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_coroutine_near_the_end_of_a_small_stack_is_hit),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
