/* As indirect_test.c, but in libraries, amid real work: whoever hits a site is sent through a copy of the next few instructions,
 * and from there by an indirect jump straight to what its entry leans on. The work must come to the same end; each instruction
 * that a single-stepped run comes to is hit as often, or gone round. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include "hooks.h"
#include "isa/x86_64/relocate.h"
#include "jobs.h"
#include "stepping.h"

enum { WARM = 16 };
enum { PLACES_MAX = 8000, WAYS_MAX = 8, COVERED = 8, COPIES = 4 << 20, COPIES_NEARBY = 32 << 20, ALONE = 250, ALONE_LONG = 8000,
       LEFT = 8, JUMPS_MIN = 1000, BREAKPOINT = 0xCC };

/* An instruction that the job comes to. A way leads from it to one of the next, which begins within eight bytes: through copies
 * of those in between. */
static struct place {
  uintptr_t address;
  unsigned arrivals, hits, gone_round;
  unsigned ways, turn;
  uintptr_t copies[WAYS_MAX], targets[WAYS_MAX];
  sighook_hook hook;
} places[PLACES_MAX];
static unsigned place_count;

static struct code libraries[] = {{.low = 0}, {.low = 0}};
static const char *const names[] = {"libz.so.1", "libc.so.6"};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

static uint64_t seed;
static unsigned long (*job)(void);
static unsigned long truth;
static unsigned *arrivals[LIBRARIES];
static uint8_t *copies;
static size_t copied;
static volatile bool counting;
static unsigned long sent, to_traps, entries[SIGHOOK_ENTRY_TRAP + 1];

/* ---- ways ---- */

static void emit(const void *bytes, size_t length)
{
  assert_true(copied + length <= COPIES);
  memcpy(copies + copied, bytes, length);
  copied += length;
}

/* Appends the instruction as it must read there; false where it may lead elsewhere than to the next one, or cannot be moved. */
static bool emit_copy(const struct code *code, uintptr_t address, size_t length)
{
  const uint8_t *original = code_original(code, address);
  struct x64_displaced displaced;
  struct x64_insn insn;

  if (!x64_decode(original, length, address, &insn) || insn.kind != X64_ORDINARY || !insn.falls_through ||
      x64_relocate(original, length, address, (uintptr_t)copies + copied, &displaced) != X64_RELOCATED)
    return false;
  emit(displaced.bytes, length);
  return true;
}

static bool emit_way(const struct code *code, uint32_t first, uint32_t end)
{
  static const uint8_t jump[] = {0xFF, 0x25, 0, 0, 0, 0};             /* jmp *0(%rip) */
  uintptr_t target = code->low + code->starts[end];

  for (uint32_t i = first; i < end; i++)
    if (!emit_copy(code, code->low + code->starts[i], code->starts[i + 1] - code->starts[i]))
      return false;
  emit(jump, sizeof jump);
  emit(&target, sizeof target);
  return true;
}

static void make_ways(const struct code *code, struct place *place)
{
  uint32_t first = code_index(code, place->address);

  for (uint32_t end = first + 1; end < code->count && place->ways < WAYS_MAX; end++) {
    uintptr_t target = code->low + code->starts[end];
    size_t from = copied;

    if (target >= place->address + COVERED)
      return;
    if (!emit_way(code, first, end)) {
      copied = from;
      return;
    }
    place->targets[place->ways] = target;
    place->copies[place->ways++] = (uintptr_t)copies + from;
  }
}

static struct code *library_of(uintptr_t address)
{
  for (unsigned i = 0; i < LIBRARIES; i++)
    if (address >= libraries[i].low && address < libraries[i].high)
      return &libraries[i];
  return NULL;
}

/* ---- the truth ---- */

static void arrive(uintptr_t address)
{
  struct code *code = library_of(address);

  if (code)
    arrivals[code - libraries][address - code->low]++;
}

static void find_places(const struct code *code, const unsigned *arrived)
{
  for (uint32_t i = 0; i < code->count; i++) {
    sighook_spec spec = spec_of(code->low + code->starts[i], 0);
    sighook_info info = {.size = sizeof info};

    if (!arrived[code->starts[i]] || sighook_check(&spec, &info) != SIGHOOK_OK)
      continue;
    assert_true(place_count < PLACES_MAX);
    places[place_count++] = (struct place){.address = spec.address, .arrivals = arrived[code->starts[i]]};
  }
}

static void take_the_truth(void)
{
  for (unsigned i = 0; i < WARM; i++)   /* binds what is bound at the first call, and fills the allocator's caches, of seven each */
    run_in_place(job);
  for (unsigned i = 0; i < LIBRARIES; i++)
    memset(arrivals[i], 0, (libraries[i].high - libraries[i].low) * sizeof **arrivals);
  truth = step_through(job, arrive);
  assert_true(run_in_place(job) == truth);
  place_count = 0;
  copied = 0;
  for (unsigned i = 0; i < LIBRARIES; i++)
    find_places(&libraries[i], arrivals[i]);
  for (unsigned i = 0; i < place_count; i++)
    make_ways(library_of(places[i].address), &places[i]);
}

/* ---- hooked ---- */

static void go_round(struct place *place, unsigned way)
{
  struct place *other = place + 1;

  for (unsigned i = 0; i < way; i++) {
    while (other < places + place_count && other->address < place->targets[i])
      other++;
    if (other < places + place_count && other->address == place->targets[i])
      other->gone_round++;
  }
}

/* By turns: on to the instruction, or round it, and round some more. */
static void send_on(sighook_context *context, void *user)
{
  struct place *place = user;
  unsigned way;

  if (!counting)
    return;
  place->hits++;
  way = place->turn++ % (place->ways + 1);
  if (!way--)
    return;
  context->rip = place->copies[way];
  go_round(place, way);
  sent++;
  to_traps += *(const volatile uint8_t *)place->targets[way] == BREAKPOINT;
}

static sighook_spec spec_for(struct place *place)
{
  return (sighook_spec){.size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .address = place->address, .handler = send_on,
                        .user = place};
}

static void note_entry(const struct place *place)
{
  sighook_info info = {.size = sizeof info};

  REQUIRE(sighook_query(place->hook, &info) == SIGHOOK_OK);
  entries[info.entry]++;
}

static void work(void)
{
  unsigned long digest;

  counting = true;
  digest = run_in_place(job);
  counting = false;
  REQUIRE(digest == truth);
}

static void require_hits(const struct place *place, unsigned runs)
{
  if (place->hits + place->gone_round == place->arrivals * runs)
    return;
  fprintf(stderr, "%#lx: %u hits, gone round %u times, %u arrivals in each of %u runs\n", place->address, place->hits,
          place->gone_round, place->arrivals, runs);
  _exit(1);
}

static void change_all(bool come)
{
  sighook_batch *batch;

  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = 0; i < place_count; i++) {
    sighook_spec spec = spec_for(&places[i]);

    REQUIRE((come ? sighook_batch_install(batch, &spec, &places[i].hook) : sighook_batch_remove(batch, places[i].hook)) ==
            SIGHOOK_OK);
  }
  REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_OK);
  sighook_batch_destroy(batch);
}

static void all_at_once(void)
{
  change_all(true);
  for (unsigned i = 0; i < place_count; i++) {
    note_entry(&places[i]);
    places[i].hits = places[i].gone_round = places[i].turn = 0;
  }
  for (unsigned run = 0; run <= WAYS_MAX; run++)
    work();
  for (unsigned i = 0; i < place_count; i++)
    require_hits(&places[i], WAYS_MAX + 1);
  change_all(false);
  work();
}

static void each_alone(void)
{
  unsigned count = getenv("SIGHOOK_LONG") ? ALONE_LONG : ALONE;

  for (unsigned i = 0; i < count; i++) {
    struct place *place = &places[random_next(&seed) % place_count];
    sighook_spec spec = spec_for(place);

    REQUIRE(sighook_install(&spec, &place->hook) == SIGHOOK_OK);
    note_entry(place);
    place->hits = place->gone_round = place->turn = 0;
    for (unsigned run = 0; run <= place->ways; run++)
      work();
    require_hits(place, place->ways + 1);
    REQUIRE(sighook_remove(place->hook) == SIGHOOK_OK);
  }
}

static void jump_amid_work(void)
{
  code_crowd(&libraries[0], LEFT, seed);
  all_at_once();
  each_alone();
  for (unsigned i = 0; i < LIBRARIES; i++)
    REQUIRE(code_is_pristine(&libraries[i]));
  printf("%u instructions; %lu branches, %lu punned, %lu evicting, %lu traps; %lu jumps, %lu of them to traps\n", place_count,
         entries[SIGHOOK_ENTRY_BRANCH], entries[SIGHOOK_ENTRY_PUNNED], entries[SIGHOOK_ENTRY_EVICTED],
         entries[SIGHOOK_ENTRY_TRAP], sent, to_traps);
  REQUIRE(entries[SIGHOOK_ENTRY_PUNNED] > 0 && entries[SIGHOOK_ENTRY_EVICTED] > 0 && sent > JUMPS_MIN);
}

static void the_job_comes_to_the_same_end(void **state)
{
  job = (unsigned long (*)(void))*state;
  take_the_truth();
  assert_true(in_child(jump_amid_work));
}

static int start(void **state)
{
  (void)state;
  seed = random_seed();
  if (!jobs_start(1, 1))
    return 1;
  for (unsigned i = 0; i < LIBRARIES; i++) {
    if (!code_find(&libraries[i], names[i]))
      return 1;
    arrivals[i] = malloc((libraries[i].high - libraries[i].low) * sizeof **arrivals);
  }
  copies = mmap((void *)((libraries[0].low - COPIES_NEARBY) & ~(uintptr_t)0xFFF), COPIES, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return copies == MAP_FAILED;
}

#define JOB(name) {#name, the_job_comes_to_the_same_end, NULL, NULL, (void *)job_##name}

int main(void)
{
  const struct CMUnitTest tests[] = {JOB(expand), JOB(text), JOB(memory)};

  return cmocka_run_group_tests(tests, start, NULL);
}
