/* Sites that are shorter than a jump: their installation and memory by entry, and entries that reach over other instructions. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "bench.h"
#include "host/host.h"
#include "isa/x86_64/pun.h"
#include "library.h"

enum { EACH = 400, SKIP = 37, ASLEEP = 64, CALLS = 20000, TRAPS = 300, PAGE = 4096, RUNS = 5 };

/* ---- instructions of libcrypto, by the entry that they would get ---- */

struct short_sites {
  size_t count[SIGHOOK_ENTRY_TRAP + 1];
  uintptr_t sites[SIGHOOK_ENTRY_TRAP + 1][EACH];
};

static void sort_function(struct short_sites *found, const struct eh_function *function)
{
  for (uintptr_t at = function->start; at < function->end;) {
    sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = at, .handler = empty_handler};
    sighook_info info = {.size = sizeof info};
    size_t length = host_insn_length((const uint8_t *)at, function->end - at);

    if (sighook_check(&spec, &info) == SIGHOOK_OK && found->count[info.entry] < EACH)
      found->sites[info.entry][found->count[info.entry]++] = at;
    at += length ? length : 1;
  }
}

/* Every so many functions, all over the library. */
static bool find_sites(struct short_sites *found)
{
  struct library library = {.name = "libcrypto.so.3"};
  const struct eh_table *table = &library.table;
  struct eh_function function;
  unsigned number = 0;

  if (!dlopen(library.name, RTLD_NOW) || !library_find(&library))
    return false;
  for (uintptr_t at = eh_next_start(table, table->low); at < table->high; at = eh_next_start(table, at))
    if (number++ % SKIP == 0 && eh_find(table, at, &function) && !function.is_signal_frame)
      sort_function(found, &function);
  return true;
}

static double time_installs(const uintptr_t *sites, size_t count)
{
  static double us[EACH];

  for (size_t i = 0; i < count; i++) {
    double start = now_ns();
    sighook_hook made = hook((target_function *)sites[i], SIGHOOK_PROBE, 0, empty_handler);

    us[i] = (now_ns() - start) / 1000;
    must(sighook_remove(made), "remove");
  }
  return median(us, (unsigned)count);
}

static void bench_memory(const char *what, const uintptr_t *sites, size_t count)
{
  static sighook_hook hooks[EACH];
  unsigned maps = mappings();
  double before = private_kilobytes(), bytes;

  for (size_t i = 0; i < count; i++)
    hooks[i] = hook((target_function *)sites[i], SIGHOOK_PROBE, 0, empty_handler);
  bytes = (private_kilobytes() - before) * 1024;
  figure(what, bytes / (double)count, "bytes", "%zu one by one, with their landing pages and the pages of code that they change; %u mappings",
         count, mappings() - maps);
  for (size_t i = 0; i < count; i++)
    must(sighook_remove(hooks[i]), "remove");
}

/* ---- entries that reach over ---- */

target_function reaches_over;
extern const uint8_t reaches_over_site[], reaches_over_boundary[];

static void take_page(uint64_t place)
{
  mmap((void *)(place & ~(uint64_t)(PAGE - 1)), PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

/* Where a pun would land, and where it would if the next instruction gave way to a jump. */
static void take_places(void)
{
  uint8_t code[X64_JMP_LENGTH];
  struct x64_window window;

  memcpy(code, reaches_over_site, sizeof code);
  for (unsigned i = 0; i < 2; i++) {
    if (x64_pun_window((uintptr_t)reaches_over_site, 1, 0, code, &window))
      take_page(window.first);
    code[1] = 0xE9;
  }
}

static void bench_reaching_over(void)
{
  target_function *boundary = (target_function *)(uintptr_t)reaches_over_boundary, *function = reaches_over;
  double plain, hooked, met[RUNS], trapped[RUNS];
  sighook_info info = {.size = sizeof info};
  sighook_hook made;

  take_places();
  measure(&function, 1, CALLS, &plain);
  made = hook((target_function *)(uintptr_t)reaches_over_site, SIGHOOK_PROBE, SIGHOOK_INTEGER_ONLY, empty_handler);
  must(sighook_query(made, &info), "query");
  measure(&function, 1, CALLS, &hooked);
  figure("hit of an entry that reaches over", hooked - plain, "ns", "over the call without a hook; %s", info.reason);
  for (unsigned i = 0; i < RUNS; i++)
    measure(&boundary, 1, TRAPS, &met[i]);
  must(sighook_remove(made), "remove");
  made = hook(boundary, SIGHOOK_PROBE, SIGHOOK_FORCE_TRAP, empty_handler);
  for (unsigned i = 0; i < RUNS; i++)
    measure(&boundary, 1, TRAPS, &trapped[i]);
  must(sighook_remove(made), "remove");
  row("jump to a boundary, to a hit through a trap", median(met, RUNS) / median(trapped, RUNS), "x", 1.1, "%.0f ns, the other %.0f",
      median(met, RUNS), median(trapped, RUNS));
}

/* ---- the whole ---- */

void bench_short(void)
{
  static struct short_sites found;
  static const char *const names[SIGHOOK_ENTRY_TRAP + 1] = {[SIGHOOK_ENTRY_BRANCH] = "memory of a plain site of libcrypto",
                                      [SIGHOOK_ENTRY_PUNNED] = "memory of a punned one",
                                      [SIGHOOK_ENTRY_EVICTED] = "memory of an evicting one",
                                      [SIGHOOK_ENTRY_TRAP] = "memory of a trap"};
  size_t punned, evicted;

  bench_reaching_over();
  if (!find_sites(&found)) {
    printf("-    there is no libcrypto.so.3 to measure on\n");
    return;
  }
  punned = found.count[SIGHOOK_ENTRY_PUNNED];
  evicted = found.count[SIGHOOK_ENTRY_EVICTED];
  put_to_sleep(ASLEEP);
  row("install one punned site, 64 threads asleep", time_installs(found.sites[SIGHOOK_ENTRY_PUNNED], punned / 2), "us", 60,
      "%zu sites; one that evicts %.1f us", punned / 2, time_installs(found.sites[SIGHOOK_ENTRY_EVICTED], evicted / 2));
  wake();
  for (unsigned entry = SIGHOOK_ENTRY_BRANCH; entry <= SIGHOOK_ENTRY_TRAP; entry++)
    if (found.count[entry] > 1)
      bench_memory(names[entry], found.sites[entry] + found.count[entry] / 2, found.count[entry] - found.count[entry] / 2);
}
