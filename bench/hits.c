/* What a hit costs. */
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

target_function limit_integer, limit_full_avx512, limit_full_avx, plain_target, integer_targets, full_target, punned_targets,
    counted_target, trapped_target, replaced_target, replacement, wrapped_target, wrapper, bare_trap;
extern void (*limit_callback)(void *);
extern void *wrapper_original;

enum { CALLS = 100000, TRAPS = 2000, OF_A_KIND = 4, STRIDE = 64 };

static void limit_empty(void *frame)
{
  (void)frame;
}

static void empty_signal(int signal_number)
{
  (void)signal_number;
}

/* Hooks those of one kind and adds them to the functions to be measured. False where not all have that entry. */
static bool hook_kind(target_function *first, target_function **functions, uint32_t entry)
{
  sighook_info info = {.size = sizeof info};
  bool all = true;

  for (unsigned i = 0; i < OF_A_KIND; i++) {
    functions[i] = (target_function *)((uintptr_t)first + (uintptr_t)STRIDE * i);
    must(sighook_query(hook(functions[i], SIGHOOK_PROBE, SIGHOOK_INTEGER_ONLY, empty_handler), &info), "query");
    all &= info.entry == entry;
  }
  return all;
}

static double mean(const double *ns)
{
  double sum = 0;

  for (unsigned i = 0; i < OF_A_KIND; i++)
    sum += ns[i];
  return sum / OF_A_KIND;
}

static void bench_branches(void)
{
  enum { PLAIN, INTEGER_LIMIT, FULL_LIMIT, FULL, INTEGER, PUNNED = INTEGER + OF_A_KIND, ALL = PUNNED + OF_A_KIND };
  target_function *functions[ALL] = {plain_target, limit_integer,
                                     __builtin_cpu_supports("avx512bw") ? limit_full_avx512 : limit_full_avx, full_target};
  double ns[ALL], integer, punned;
  bool as_meant;

  limit_callback = limit_empty;
  hook(full_target, SIGHOOK_PROBE, 0, empty_handler);
  as_meant = hook_kind(integer_targets, functions + INTEGER, SIGHOOK_ENTRY_BRANCH);
  as_meant &= hook_kind(punned_targets, functions + PUNNED, SIGHOOK_ENTRY_PUNNED);
  measure(functions, ALL, CALLS, ns);
  integer = mean(ns + INTEGER);
  punned = mean(ns + PUNNED);
  row("hit, integer-only, to the hand-written limit", integer / ns[INTEGER_LIMIT], "x", 1.25, "%.2f ns, limit %.2f, call %.2f",
      integer, ns[INTEGER_LIMIT], ns[PLAIN]);
  row("hit, full, to the hand-written limit", ns[FULL] / ns[FULL_LIMIT], "x", 1.25, "%.2f ns, limit %.2f", ns[FULL], ns[FULL_LIMIT]);
  row("hit through a punned branch, more than a plain one", punned - integer, "ns", 0.5, "%.2f ns%s", punned,
      as_meant ? "" : ", BUT NOT ALL ARE AS MEANT");
}

static void bench_counter(void)
{
  target_function *const functions[] = {plain_target, counted_target};
  double ns[2];

  hook(counted_target, SIGHOOK_PROBE, SIGHOOK_COUNT, NULL);
  measure(functions, 2, CALLS, ns);
  row("a counter without a handler, over the call", ns[1] - ns[0], "ns", 3, "%.2f ns, call %.2f", ns[1], ns[0]);
}

static void bench_replacement(void)
{
  target_function *const functions[] = {replacement, replaced_target, wrapper, wrapped_target};
  void *original;
  double ns[4];

  wrapper_original = (void *)replacement;
  must(sighook_inline_hook((uintptr_t)replaced_target, (const void *)replacement, NULL, NULL), "inline_hook");
  must(sighook_inline_hook((uintptr_t)wrapped_target, (const void *)wrapper, &original, NULL), "inline_hook");
  measure(functions, 2, CALLS, ns);
  row("inline_hook, replacement over a direct call", ns[1] - ns[0], "ns", 0.5, "%.2f ns, direct %.2f", ns[1], ns[0]);
  measure(functions + 2, 1, CALLS, ns + 2);
  wrapper_original = original;
  measure(functions + 3, 1, CALLS, ns + 3);
  row("the same through call_original", ns[3] - ns[2], "ns", 1, "%.2f ns, direct %.2f", ns[3], ns[2]);
}

/* In turns: the process's own handler for a bare breakpoint, ours for the site. */
static void bench_trap(void)
{
  target_function *const bare[] = {bare_trap}, *const trapped[] = {trapped_target};
  struct sigaction own = {.sa_handler = empty_signal, .sa_flags = SA_NODEFER}, ours;
  double bare_ns[5], trapped_ns[5];

  hook(trapped_target, SIGHOOK_PROBE, SIGHOOK_FORCE_TRAP, empty_handler);
  sigaction(SIGTRAP, NULL, &ours);
  for (unsigned i = 0; i < 5; i++) {
    sigaction(SIGTRAP, &own, NULL);
    measure(bare, 1, TRAPS, &bare_ns[i]);
    sigaction(SIGTRAP, &ours, NULL);
    measure(trapped, 1, TRAPS, &trapped_ns[i]);
  }
  row("hit through a trap, to a bare breakpoint", median(trapped_ns, 5) / median(bare_ns, 5), "x", 1.10, "%.0f ns, bare %.0f",
      median(trapped_ns, 5), median(bare_ns, 5));
}

void bench_hits(void)
{
  bench_branches();
  bench_counter();
  bench_replacement();
  bench_trap();
}
