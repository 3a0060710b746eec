/* What a hit leaves as it was though nothing shows it to a callback: the x87 control word, stack and tags, mxcsr, the
 * direction flag, alignment checking, the red zone, errno, and which parts of the vector state the processor has in
 * use. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include "child.h"
#include "live.h"
#include "spoil.h"

enum {
  CONTROL = 0x077F, /* rounds down, 64 bits of precision; all exceptions masked */
  MXCSR = 0xBFA1,   /* flushes to zero, rounds down; two exceptions noted */
  FLAGS = 0x40CD7,  /* AC DF SF ZF AF PF CF, OF not */
  FLAGS_SEEN = 0x40CD5,
  OVERFLOW = 0x800,
  TAGS_OF_TWO = 0x0FFF,
  ERRNO = 5,
  ROUNDS = 100
};

struct state {
  uint32_t control, mxcsr; /* in; then what follows, out */
  uint64_t flags, in_use, red_zone[3], flags_after, in_use_after;
  struct {
    uint32_t control, status, tags, rest[4];
  } x87;
  uint32_t mxcsr_after;
  double top, next;
  uint64_t loaded;
};
_Static_assert(offsetof(struct state, x87) == 64 && offsetof(struct state, mxcsr_after) == 92 &&
                   offsetof(struct state, top) == 96 && offsetof(struct state, loaded) == 112,
               "as the assembly has it");

/* AC makes every unaligned access of the library's a SIGBUS. */
void run_through(struct state *state);
extern const uint8_t run_through_site[];
uint32_t has_in_use; /* XGETBV tells what is in use */
__asm__(".text\n\t.p2align 6\n\t.globl run_through, run_through_site\n\t.type run_through, "
        "@function\nrun_through:\n\t.cfi_startproc\n"
        "\tpush %rbx\n\t.cfi_adjust_cfa_offset 8\n\t.cfi_rel_offset rbx, 0\n\tmov %rdi, %rbx\n"
        "\tfninit\n\tfldcw (%rbx)\n\tfld1\n\tfldpi\n\tldmxcsr 4(%rbx)\n"
        "\tmov $1, %ecx\n\tcmpl $0, has_in_use(%rip)\n\tje 1f\n\tvzeroupper\n\txgetbv\n\tmov %rax, 16(%rbx)\n1:\n"
        "\tpushq 8(%rbx)\n\tpopfq\n"
        "\tmovq $0x11111111, -8(%rsp)\n\tmovq $0x22222222, -64(%rsp)\n\tmovq $0x33333333, -128(%rsp)\n"
        "run_through_site:\n\tmovabs $0x1122334455667788, %r11\n"
        "\tmov -8(%rsp), %rax\n\tmov %rax, 24(%rbx)\n\tmov -64(%rsp), %rax\n\tmov %rax, 32(%rbx)\n"
        "\tmov -128(%rsp), %rax\n\tmov %rax, 40(%rbx)\n\tmov %r11, 112(%rbx)\n"
        "\tpushfq\n\tpopq 48(%rbx)\n\tpushq $2\n\tpopfq\n"
        "\tcmpl $0, has_in_use(%rip)\n\tje 1f\n\txgetbv\n\tmov %rax, 56(%rbx)\n1:\n"
        "\tfnstenv 64(%rbx)\n\tstmxcsr 92(%rbx)\n\tfldcw 64(%rbx)\n\tfstpl 96(%rbx)\n\tfstpl 104(%rbx)\n\tfninit\n"
        "\tmovl $0x1F80, -4(%rsp)\n\tldmxcsr -4(%rsp)\n"
        "\tpop %rbx\n\t.cfi_adjust_cfa_offset -8\n\tret\n\t.cfi_endproc\n\t.size run_through, . - run_through\n");

static void spoil(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
  spoil_state();
  __builtin_ia32_ldmxcsr(0x1F80);
}

static void spoil_x87(sighook_context *context, void *user)
{
  spoil(context, user);
  __asm__ volatile("fninit\n\tfldz\n\tfldz\n\tfldz");
}

/* With no vector register. */
__attribute__((target("general-regs-only"))) static void touch_little(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
  errno = 99;
}

/* In place of the instruction, whose effect it has. */
static void load_instead(sighook_context *context, void *user)
{
  spoil(context, user);
  context->r11 = 0x1122334455667788;
}

static const struct form {
  const char *name;
  sighook_kind kind;
  sighook_handler handler;
  uint32_t flags;
} forms[] = {
    {"probe", SIGHOOK_PROBE, spoil, 0},
    {"probe of integers", SIGHOOK_PROBE, touch_little, SIGHOOK_INTEGER_ONLY},
    {"probe that saves x87", SIGHOOK_PROBE, spoil_x87, SIGHOOK_SAVE_X87},
    {"probe that skips", SIGHOOK_PROBE_SKIP, load_instead, 0},
    {"counter", SIGHOOK_PROBE, NULL, SIGHOOK_COUNT},
    {"counting probe", SIGHOOK_PROBE, spoil, SIGHOOK_COUNT},
    {"counting probe of integers", SIGHOOK_PROBE, touch_little, SIGHOOK_COUNT | SIGHOOK_INTEGER_ONLY},
};
enum {
  UPPER_HALVES = 0x44, /* XSAVE's components of ymm0-15 and zmm0-15 */
  FORMS = sizeof forms / sizeof *forms
};

static const struct form *form; /* in a child of its own, so that its stub is made for it */
static uint32_t entry_flags;
static const double pi = 3.14159265358979323846;

static void check(const struct state *state)
{
  bool right = (state->flags_after & FLAGS_SEEN) == (FLAGS & FLAGS_SEEN & ~OVERFLOW) &&
               (state->x87.control & 0xFFFF) == CONTROL && (state->x87.tags & 0xFFFF) == TAGS_OF_TWO &&
               state->mxcsr_after == MXCSR && state->next == 1.0 && state->top <= pi && state->top > pi - 1e-15 &&
               state->loaded == 0x1122334455667788 && errno == ERRNO && state->red_zone[0] == 0x11111111 &&
               state->red_zone[1] == 0x22222222 && state->red_zone[2] == 0x33333333;

  if (right)
    return;
  fprintf(stderr, "%s: flags %#lx, x87 %#x %#x %g %g, mxcsr %#x, errno %d\n", form->name, state->flags_after,
          state->x87.control, state->x87.tags, state->top, state->next, state->mxcsr_after, errno);
  _exit(1);
}

/* Less may be in use: the kernel sees to that. Whether a hit may run no vector instruction. The thread's first one does other things too. */
static bool keeps_all_in_use(unsigned round)
{
  return round && (!form->handler || (form->flags & SIGHOOK_INTEGER_ONLY));
}

static void hit_in_form(void)
{
  sighook_spec spec = {.size = sizeof spec,
                       .kind = form->kind,
                       .flags = form->flags | entry_flags,
                       .address = (uintptr_t)run_through_site,
                       .handler = form->handler};
  sighook_info info = {.size = sizeof info};
  sighook_hook hook;

  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  for (unsigned round = 0; round < ROUNDS; round++) {
    struct state state = {.control = CONTROL, .mxcsr = MXCSR, .flags = FLAGS & ~OVERFLOW};

    hits = 0;
    errno = ERRNO;
    run_through(&state);
    check(&state);
    REQUIRE(hits == (form->handler != NULL));
    REQUIRE(!(state.in_use_after & ~state.in_use & (keeps_all_in_use(round) ? ~UINT64_C(0) : UPPER_HALVES)));
  }
  REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK);
  REQUIRE(info.entry == (entry_flags ? SIGHOOK_ENTRY_TRAP : SIGHOOK_ENTRY_BRANCH));
  REQUIRE(info.hits == (form->flags & SIGHOOK_COUNT ? ROUNDS : 0));
}

static void hit_in_every_form(uint32_t flags)
{
  unsigned failed = 0;

  entry_flags = flags;
  for (form = forms; form < forms + FORMS; form++)
    failed += !in_child(hit_in_form);
  assert_int_equal(failed, 0);
}

static void a_hit_by_a_branch_leaves_the_state(void **state)
{
  (void)state;
  hit_in_every_form(0);
}

static void a_hit_by_a_trap_leaves_the_state(void **state)
{
  (void)state;
  hit_in_every_form(SIGHOOK_FORCE_TRAP);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_hit_by_a_branch_leaves_the_state),
                                     cmocka_unit_test(a_hit_by_a_trap_leaves_the_state)};
  unsigned a, b, c, d;

  has_in_use = __get_cpuid_count(0xD, 1, &a, &b, &c, &d) && (a & 4);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
