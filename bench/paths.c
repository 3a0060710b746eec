/* What short instructions cost: others' paths beside them, and their installation. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"
#include "library.h"

enum { TURNS = 200, CALLS = 20000, FUNCTIONS_MAX = 8192 };

target_function loop_beside, entry_beside, call_beside;
extern const uint8_t loop_beside_site[], entry_beside_site[], call_beside_site[];

static long many_turns(long ignored)
{
  (void)ignored;
  return loop_beside(TURNS);
}

/* The path that does not come by the site, in turns with and without the hook: the same code, since copies are not equally fast. */
static void bench_path(const char *what, const uint8_t *site, target_function *path)
{
  sighook_info info = {.size = sizeof info};
  double hooked[ROUNDS], plain[ROUNDS], with, without;

  for (unsigned round = 0; round < ROUNDS; round++) {
    sighook_hook made = hook((target_function *)(uintptr_t)site, SIGHOOK_PROBE, 0, empty_handler);
    double start = now_ns();

    call_in_a_loop(path, CALLS);
    hooked[round] = now_ns() - start;
    must(sighook_query(made, &info), "query");
    must(sighook_remove(made), "remove");
    start = now_ns();
    call_in_a_loop(path, CALLS);
    plain[round] = now_ns() - start;
  }
  with = median(hooked, ROUNDS) / CALLS;
  without = median(plain, ROUNDS) / CALLS;
  row(what, with / without, "x", 1.03, "%.2f ns, unhooked %.2f; entry %d", with, without, (int)info.entry);
}

/* ---- all functions of libc ---- */

struct functions {
  size_t count;
  uintptr_t entries[FUNCTIONS_MAX];
};

static void list_libc(struct functions *functions)
{
  struct library library = {.name = "libc.so"};
  const struct eh_table *table = &library.table;
  struct eh_function function;

  if (!library_find(&library))
    return;
  for (uintptr_t at = eh_next_start(table, table->low); at < table->high && functions->count < FUNCTIONS_MAX;
       at = eh_next_start(table, at))
    if (eh_find(table, at, &function) && !function.is_signal_frame)
      functions->entries[functions->count++] = at;
}

static double time_batch(const struct functions *functions, sighook_hook *hooks, size_t *hooked)
{
  sighook_batch *batch;
  double start, ms;

  must(sighook_batch_create(&batch), "batch");
  *hooked = 0;
  for (size_t i = 0; i < functions->count; i++) {
    sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = SIGHOOK_COUNT, .address = functions->entries[i]};
    sighook_info info = {.size = sizeof info};

    if (sighook_check(&spec, &info) == SIGHOOK_OK)
      must(sighook_batch_install(batch, &spec, &hooks[(*hooked)++]), "batch");
  }
  start = now_ns();
  must(sighook_batch_commit(batch, NULL), "commit");
  ms = (now_ns() - start) / 1e6;
  sighook_batch_destroy(batch);
  return ms;
}

static void bench_libc(void)
{
  static struct functions functions;
  static sighook_hook hooks[FUNCTIONS_MAX];
  unsigned long entries[SIGHOOK_ENTRY_TRAP + 1] = {0};
  size_t hooked;
  double ms;

  list_libc(&functions);
  ms = time_batch(&functions, hooks, &hooked);
  for (size_t i = 0; i < hooked; i++) {
    sighook_info info = {.size = sizeof info};

    must(sighook_query(hooks[i], &info), "query");
    entries[info.entry]++;
    must(sighook_remove(hooks[i]), "remove");
  }
  row("all functions of libc in a batch", ms, "ms", 100, "%zu: %lu branch, %lu punned, %lu evicted, %lu trap", hooked,
      entries[SIGHOOK_ENTRY_BRANCH], entries[SIGHOOK_ENTRY_PUNNED], entries[SIGHOOK_ENTRY_EVICTED], entries[SIGHOOK_ENTRY_TRAP]);
}

void bench_paths(void)
{
  bench_path("loop right behind a hooked instruction", loop_beside_site, many_turns);
  bench_path("function right behind one", entry_beside_site, entry_beside);
  bench_path("way past a hooked indirect call", call_beside_site, call_beside);
  bench_libc();
}
