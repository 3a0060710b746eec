/* The live patching protocol over the writers: one store, or three phases. */
#include "patch/patch.h"

#include "host/host.h"
#include "os/memory.h"
#include "os/sync.h"
#include "os/threads.h"
#include "patch/writers.h"
#include "trap/trap.h"

enum { SYNC_TRIES = 20, SYNC_PAUSE_NS = 1000000 };

bool patch_is_start(const struct change *change, size_t offset)
{
  return change->starts ? change->starts[offset] : offset == 0;
}

enum phase { PHASE_TRAPS, PHASE_REST, PHASE_STARTS };

/* What another jump of the change leans on, before or after, stands there throughout. */
static const uint8_t *trap_at(const struct change *change, size_t offset)
{
  return change->starts && change->starts[offset] > 1 ? &change->starts[offset] : host_trap;
}

/* What is written at a start is one trap's length, in every phase that writes there. */
static int write_phase(const struct writers *writers, const struct change *change, enum phase phase, const uint8_t *final)
{
  size_t end;
  int failure = 0;

  for (size_t i = 0; i < change->length && !failure; i = end) {
    bool start = patch_is_start(change, i);

    end = i + (start ? HOST_TRAP_LENGTH : 1);
    while (!start && end < change->length && !patch_is_start(change, end))
      end++;
    if (start && phase == PHASE_TRAPS)
      failure = writers_write(writers, change->address + i, trap_at(change, i), HOST_TRAP_LENGTH);
    else if (start ? phase == PHASE_STARTS : phase == PHASE_REST)
      failure = writers_write(writers, change->address + i, final + i, end - i);
  }
  return failure;
}

static sighook_status check_stands(struct os_text *text, const struct change *change, const uint8_t *expected,
                                   struct error *error)
{
  for (size_t i = 0; i < change->length;) {
    uint8_t seen[64];
    size_t part = change->length - i < sizeof seen ? change->length - i : sizeof seen;

    if (os_text_read(text, change->address + i, seen, part) != part)
      return writers_unreadable(text, change->address, error);
    for (size_t j = 0; j < part; j++)
      if (seen[j] != expected[i + j])
        return writers_conflict(change, error);
    i += part;
  }
  return SIGHOOK_OK;
}

/* Copies every page that will be written, so that no later write can fail for want of memory. */
static int unshare(const struct writers *writers, const struct change *change)
{
  size_t page = os_page_size();

  for (uintptr_t at = change->address; at < change->address + change->length; at = page_down(at, page) + page) {
    int failure = writers_write(writers, at, change->before + (at - change->address), 1);

    if (failure)
      return failure;
  }
  return 0;
}

static sighook_status write_failed(const struct change *change, int failure, struct error *error)
{
  return error_os(error, SIGHOOK_PROTECT_FAILED, change->address, "mprotect", failure);
}

static sighook_status check_before(const struct writers *writers, struct change *changes, size_t count, size_t *failed_at,
                                   struct error *error)
{
  for (size_t i = 0; i < count; i++) {
    sighook_status status;
    int failure;

    if (changes[i].done)
      continue;
    *failed_at = i;
    status = check_stands(writers->text, &changes[i], changes[i].before, error);
    if (status)
      return status;
    failure = unshare(writers, &changes[i]);
    if (failure)
      return write_failed(&changes[i], failure, error);
  }
  return SIGHOOK_OK;
}

/* Between phases. Where the system has no memory for it and gets none, every processor has been interrupted meanwhile. */
static void synchronise(void)
{
  for (unsigned i = 0; os_sync_core() && i < SYNC_TRIES; i++)
    os_sleep_ns(SYNC_PAUSE_NS);
}

/* All changes not done yet, or with `restore` all those done, in three phases together. 0 or errno; where a write fails on the
 * way there, all count as done, for what was written to be taken back, and on the way back the rest is written all the same. */
static int run_phases(const struct writers *writers, struct change *changes, size_t count, bool restore, size_t *failed_at)
{
  int failure = 0;

  for (enum phase phase = PHASE_TRAPS; phase <= PHASE_STARTS && (!failure || restore); phase++) {
    for (size_t i = 0; i < count && (!failure || restore); i++) {
      int refused = 0;

      if (changes[i].done == restore)
        refused = write_phase(writers, &changes[i], phase, restore ? changes[i].before : changes[i].after);
      if (refused) {
        failure = refused;
        *failed_at = i;
      }
    }
    synchronise();
  }
  for (size_t i = 0; i < count; i++)
    changes[i].done = !restore;
  return failure;
}

static sighook_status no_phases(const struct change *change, int failure, struct error *error)
{
  error_set(error, SIGHOOK_UNSUPPORTED, change->address,
            "the bytes at %#lx cannot be changed by one store, and the system refuses membarrier SYNC_CORE", change->address);
  error->os_call = "membarrier";
  error->os_error = failure;
  return error->status;
}

static sighook_status three_phases(const struct writers *writers, struct change *changes, size_t count, bool insist,
                                   size_t *failed_at, struct error *error)
{
  sighook_status status;
  int failure = os_sync_core();

  if (failure && !insist)
    return no_phases(&changes[*failed_at], failure, error);
  status = trap_start(TRAP_BREAKPOINT, error);        /* also where a single store was meant, and the system refused it */
  if (!status)
    status = check_before(writers, changes, count, failed_at, error);
  if (status)
    return status;
  failure = run_phases(writers, changes, count, false, failed_at);
  return failure ? write_failed(&changes[*failed_at], failure, error) : SIGHOOK_OK;
}

/* What was done, by one store or in phases, the latter perhaps in part. */
static void take_back(const struct writers *writers, struct change *changes, size_t count)
{
  struct error nothing;
  size_t ignored;
  bool any = false;

  writers_store(writers->maps, changes, count, true, &ignored, &nothing);
  for (size_t i = 0; i < count; i++) {
    if (changes[i].stored_once && check_stands(writers->text, &changes[i], changes[i].after, &nothing))
      changes[i].done = false;       /* somebody else's by now */
    any |= changes[i].done;
  }
  if (any && !trap_start(TRAP_BREAKPOINT, &nothing))
    run_phases(writers, changes, count, true, &ignored);
}

/* With `insist` where the system refuses to synchronise too. */
static sighook_status apply(const struct writers *writers, struct change *changes, size_t count, bool insist, size_t *failed_at,
                            struct error *error)
{
  sighook_status status;

  for (size_t i = 0; i < count; i++)
    changes[i].done = changes[i].stored_once = false;
  status = writers_store(writers->maps, changes, count, false, failed_at, error);
  for (size_t i = 0; i < count && !status; i++)
    if (!changes[i].done) {
      *failed_at = i;
      status = three_phases(writers, changes, count, insist, failed_at, error);
      break;
    }
  if (status)
    take_back(writers, changes, count);
  os_sync_core();
  return status;
}

sighook_status patch_apply(struct os_maps *maps, struct os_text *text, struct change *changes, size_t count,
                           size_t *failed_at, struct error *error)
{
  size_t at = 0;
  sighook_status status = apply(&(struct writers){maps, text}, changes, count, false, &at, error);

  if (status && failed_at)
    *failed_at = at;
  return status;
}

void patch_undo(struct os_maps *maps, struct os_text *text, struct change *changes, size_t count)
{
  struct error nothing;
  size_t ignored;

  for (size_t i = 0; i < count; i++) {
    const uint8_t *swapped = changes[i].before;

    changes[i].before = changes[i].after;
    changes[i].after = swapped;
  }
  apply(&(struct writers){maps, text}, changes, count, true, &ignored, &nothing);
}
