#include "hooked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "chance.h"
#include "expected.h"
#include "host/host.h"
#include "require.h"
#include "scale.h"
#include "trash.h"

enum { DOOMED_SHARE = 4 };

/* Shared with the child. */
static struct shared {
  struct tally tally;
  unsigned counting, count, keep, at_once;
  struct place *order[PLACES_MAX];    /* those to be hooked; from `keep` on those that are taken away again before the job */
} *shared;

/* ---- what a hook is ---- */

/* The job is what is counted, and not what the library does with hooked code before and after. */
static void count_one(sighook_context *context, void *user)
{
  (void)context;
  if (shared->counting)
    ++*(unsigned *)user;
  trash_integers();
}

static void count_and_trash_vectors(sighook_context *context, void *user)
{
  count_one(context, user);
  trash_vectors();
}

static void count_and_trash_all(sighook_context *context, void *user)
{
  count_and_trash_vectors(context, user);
  trash_x87();
}

/* Where an instruction gave way, for the sake of another one's entry, a pun may stand already. */
const struct flavour flavours[FLAVOURS] = {
    [COUNTER] = {"counter", SIGHOOK_COUNT, NULL, 5, NULL},
    [HANDLER] = {"handler", SIGHOOK_INTEGER_ONLY, count_one, 5, NULL},
    [TRAPPED] = {"trap", SIGHOOK_INTEGER_ONLY | SIGHOOK_FORCE_TRAP, count_one, 1, NULL},
    {"vector handler", 0, count_and_trash_vectors, 5, NULL},
    {"full handler", SIGHOOK_SAVE_X87, count_and_trash_all, 2, NULL},
    {"counter and handler", SIGHOOK_COUNT, count_and_trash_vectors, 2, NULL},
    {"no pun", SIGHOOK_INTEGER_ONLY | SIGHOOK_NO_PUN, count_one, 1, "by an entry that leans on other instructions"},
    {"full trap", SIGHOOK_SAVE_X87 | SIGHOOK_FORCE_TRAP, count_and_trash_all, 1, NULL},
};

static const struct flavour *any_flavour(uint64_t *chance)
{
  unsigned all = 0, drawn, i;

  for (i = 0; i < FLAVOURS; i++)
    all += flavours[i].weight;
  drawn = (unsigned)(random_next(chance) % all);
  for (i = 0; drawn >= flavours[i].weight; i++)
    drawn -= flavours[i].weight;
  return &flavours[i];
}

/* ---- in the child ---- */

static sighook_spec spec_of(struct place *place)
{
  return (sighook_spec){.size = sizeof(sighook_spec),
                        .kind = SIGHOOK_PROBE,
                        .address = place->address,
                        .flags = place->flavour->flags,
                        .handler = place->flavour->handler,
                        .user = &place->handled};
}

static void install_one(struct place *place)
{
  sighook_error error = {.size = sizeof error};
  sighook_spec spec = spec_of(place);

  if (sighook_install(&spec, &place->hook) == SIGHOOK_OK)
    return;
  place->state = REFUSED;
  REQUIRE(sighook_last_error(&error) == SIGHOOK_OK);
  if (expected_index(error.message, expected_refusals, EXPECTED_REFUSALS) < 0 &&
      !(place->flavour->refusal && strstr(error.message, place->flavour->refusal))) {
    fprintf(stderr, "%#lx: %s\n", place->address, error.message);
    _exit(1);
  }
}

/* As one batch; what is refused, by halves. */
static void install(unsigned first, unsigned end)
{
  sighook_status status;
  sighook_batch *batch;

  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = first; i < end; i++) {
    sighook_spec spec = spec_of(shared->order[i]);

    REQUIRE(sighook_batch_install(batch, &spec, &shared->order[i]->hook) == SIGHOOK_OK);
  }
  status = sighook_batch_commit(batch, NULL);
  sighook_batch_destroy(batch);
  if (status != SIGHOOK_OK && end - first == 1) {
    install_one(shared->order[first]);
  } else if (status != SIGHOOK_OK) {
    install(first, first + (end - first) / 2);
    install(first + (end - first) / 2, end);
  }
}

static void take_away(unsigned first, unsigned end)
{
  sighook_batch *batch;

  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = first; i < end; i++)
    if (shared->order[i]->state != REFUSED)
      REQUIRE(sighook_batch_remove(batch, shared->order[i]->hook) == SIGHOOK_OK);
  REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_OK);
  sighook_batch_destroy(batch);
}

static void in_parts(unsigned first, unsigned end, void (*work)(unsigned first, unsigned end))
{
  for (unsigned next; first < end; first = next) {
    next = end - first > shared->at_once ? first + shared->at_once : end;
    work(first, next);
  }
}

/* Adds `weight` times what the counters say. */
static void add_counters(int weight)
{
  for (unsigned i = 0; i < shared->keep; i++) {
    struct place *place = shared->order[i];
    sighook_info info = {.size = sizeof info};

    if (place->state == HOOKED && place->flavour->flags & SIGHOOK_COUNT && sighook_query(place->hook, &info) == SIGHOOK_OK)
      place->counted += (unsigned)weight * (unsigned)info.hits;
  }
}

static int note_entry(sighook_hook hook, const sighook_info *info, void *user)
{
  (void)hook;
  (void)user;
  shared->tally.entries[info->entry]++;
  return 0;
}

/* Asking for counters runs hooked code too, equally much each time: what the job added is what one round of asking does not
 * account for. */
static _Noreturn void run(unsigned long (*job)(void))
{
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};

  for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; i++)
    signal(fatal[i], SIG_DFL);         /* cmocka's handlers would go on with the tests, in the child */
  in_parts(0, shared->count, install);
  in_parts(shared->keep, shared->count, take_away);
  add_counters(-1);
  shared->counting = 1;
  job();
  shared->counting = 0;
  add_counters(2);
  add_counters(-1);
  sighook_each(note_entry, NULL);
  in_parts(0, shared->keep, take_away);
  REQUIRE(places_are_pristine());
  _exit(0);
}

/* ---- in the parent ---- */

/* By chance in any order, where that makes no difference to what is refused; else from the last to the first, since a landing pad
 * of a guarded page can be hooked after what follows it, and not before. */
static void arrange(const struct mode *mode, uint64_t *chance)
{
  bool by_chance = !mode->flavour;

  shared->count = 0;
  for (unsigned i = place_count; i-- > 0;) {
    struct place *place = &places[i];

    place->handled = place->counted = 0;
    place->state = UNHOOKED;
    if (mode->permille < ALL && random_next(chance) % ALL >= mode->permille)
      continue;
    place->state = HOOKED;
    place->flavour = by_chance ? any_flavour(chance) : mode->flavour;
    shared->order[shared->count++] = place;
  }
  if (by_chance && HOST_INSN_ALIGN == 1)
    shuffle(shared->order, shared->count, sizeof *shared->order, chance);
  shared->keep = by_chance ? shared->count - shared->count / DOOMED_SHARE : shared->count;
  for (unsigned i = shared->keep; i < shared->count; i++)
    shared->order[i]->state = REMOVED;
  shared->at_once = PLACES_MAX;
  if (mode->flavour != &flavours[HANDLER] && (!by_chance || random_next(chance) % 2))
    shared->at_once = 1 + shared->count / SCALE_BATCHES;
}

static struct tally tally_places(void)
{
  struct tally tally = shared->tally;

  for (unsigned i = 0; i < shared->count; i++) {
    const struct place *place = shared->order[i];

    tally.hooked += place->state == HOOKED;
    tally.removed += place->state == REMOVED;
    tally.refused += place->state == REFUSED;
    tally.run += place->state == HOOKED && place->arrivals != 0;
    tally.hits += place->flavour->handler ? place->handled : place->counted;
  }
  return tally;
}

struct tally hooked_run(unsigned long (*job)(void), const struct mode *mode, uint64_t *chance)
{
  int status;
  pid_t child;

  if (!shared)
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  assert_true(shared != MAP_FAILED);
  shared->tally = (struct tally){0};
  shared->counting = 0;               /* the child before may have ended badly */
  arrange(mode, chance);
  fflush(stdout);
  child = fork();
  if (child == 0)
    run(job);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  return tally_places();
}
