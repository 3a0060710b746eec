/* The search: the low bytes of the victim's displacement are the high ones of the site's. */
#include "isa/x86_64/evict.h"

#include "isa/x86_64/insn.h"

enum {
  DISPLACEMENT = 4,
  ASSIGNMENTS_MAX = 1024, /* values tried for the bytes that both displacements share */
  PLACES_MAX = 64         /* and then for the rest of the victim's */
};

/* One pair of forms. Bytes of a displacement are counted from its lowest. */
struct pair {
  const struct x64_eviction_request *request;
  unsigned prefixes, victim_prefixes;
  unsigned victim_own; /* of the victim's displacement: bytes inside its own instruction */
  unsigned shared;     /* of the latter, the lowest, that lie in the site's displacement as well */
  uint8_t code[2 * (X64_PREFIXES_MAX + X64_JMP_LENGTH) + 8]; /* the bytes as they would stand, with what is decided so far */
};

static unsigned bytes_in(unsigned length, unsigned prefixes)
{
  unsigned bytes = length - prefixes - 1;

  return bytes < DISPLACEMENT ? bytes : DISPLACEMENT;
}

static void put_low(uint8_t *bytes, uint32_t value, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint8_t *victim_code(struct pair *pair)
{
  return pair->code + pair->request->length;
}

static uint8_t *victim_displacement(struct pair *pair)
{
  return victim_code(pair) + pair->victim_prefixes + 1;
}

/* Where else the jump at `offset` would lead: by a breakpoint on each instruction start behind it that it leans on. */
static void wish_for_leaned(struct x64_wish *wish, const struct pair *pair, unsigned offset, unsigned length, unsigned prefixes)
{
  unsigned end = offset + prefixes + X64_JMP_LENGTH, at = offset + length;
  uint64_t address = pair->request->address + offset;

  wish->offset_count = 0;
  while (at < end && wish->offset_count < X64_LEANED_MAX) {
    size_t step = x64_length(pair->request->original + at, pair->request->readable - at);

    wish->offsets[wish->offset_count++] =
        (intptr_t)(x64_pun_deflected(address, prefixes, wish->window.first, at - offset, 0xCC) - wish->window.first);
    at += step ? (unsigned)step : 1;
  }
}

static bool find_victim_place(struct pair *pair, const struct x64_space *space, uint64_t *place, bool *complete)
{
  const struct x64_eviction_request *request = pair->request;
  unsigned left = pair->victim_own - pair->shared;
  uint32_t tries = left == 0 ? 1 : PLACES_MAX;
  bool found = false;

  for (uint32_t i = 0; i < tries && !(found && *complete); i++) {
    struct x64_wish wish;
    uint64_t candidate;
    bool candidate_complete;

    put_low(victim_displacement(pair) + pair->shared, x64_spread(i, 8 * left), left);
    if (!x64_pun_window(request->address + request->length, pair->victim_prefixes + 1, pair->victim_prefixes, victim_code(pair),
                        &wish.window))
      continue;
    wish_for_leaned(&wish, pair, request->length, request->victim_length, pair->victim_prefixes);
    if (!space->find(space->context, X64_VICTIM, &wish, &candidate, &candidate_complete) || (found && !candidate_complete))
      continue;
    *place = candidate;
    *complete = candidate_complete;
    found = true;
  }
  return found;
}

static bool try_assignment(struct pair *pair, const struct x64_space *space, uint32_t shared, struct x64_eviction *found)
{
  const struct x64_eviction_request *request = pair->request;
  struct x64_wish wish;
  bool complete;

  put_low(victim_displacement(pair), shared, pair->shared);
  if (!x64_pun_window(request->address, request->length, pair->prefixes, pair->code, &wish.window))
    return false;
  wish_for_leaned(&wish, pair, 0, request->length, pair->prefixes);
  if (!space->find(space->context, X64_SITE, &wish, &found->place, &complete) ||
      !find_victim_place(pair, space, &found->victim_place, &found->complete))
    return false;
  found->complete &= complete;
  found->prefixes = pair->prefixes;
  found->victim_prefixes = pair->victim_prefixes;
  return true;
}

static bool try_pair(struct pair *pair, const struct x64_space *space, bool complete_only, struct x64_eviction *found)
{
  uint32_t tries = pair->shared == 0 ? 1 : pair->shared == 1 ? 256 : ASSIGNMENTS_MAX;
  uint8_t jump[X64_PREFIXES_MAX + X64_JMP_LENGTH];
  bool any = false;

  for (unsigned i = 0; i < sizeof pair->code; i++)
    pair->code[i] = i < pair->request->readable ? pair->request->code[i] : 0;
  x64_pun_bytes(0, pair->victim_prefixes, 0, jump);
  for (unsigned i = 0; i <= pair->victim_prefixes; i++)
    victim_code(pair)[i] = jump[i];
  for (uint32_t i = 0; i < tries; i++) {
    struct x64_eviction candidate;

    if (!try_assignment(pair, space, x64_spread(i, 8 * pair->shared), &candidate) || (!candidate.complete && (complete_only || any)))
      continue;
    *found = candidate;
    any = true;
    if (candidate.complete)
      break;
  }
  return any;
}

static bool leans_too_far(const struct x64_eviction_request *request, unsigned prefixes, unsigned victim_prefixes)
{
  unsigned end = prefixes + X64_JMP_LENGTH, victim_end = request->length + victim_prefixes + X64_JMP_LENGTH;

  if (victim_end < request->length + request->victim_length)
    victim_end = request->length + request->victim_length;
  return end > request->span_max || victim_end > request->span_max || end > request->readable || victim_end > request->readable;
}

bool x64_evict(const struct x64_eviction_request *request, const struct x64_space *space, bool complete_only,
               struct x64_eviction *found)
{
  for (unsigned prefixes = 0; prefixes < request->length && prefixes <= request->prefixes_max; prefixes++)
    for (unsigned victim = 0; victim < request->victim_length && victim <= request->victim_prefixes_max; victim++) {
      struct pair pair = {.request = request, .prefixes = prefixes, .victim_prefixes = victim};
      unsigned leaned;

      pair.victim_own = bytes_in(request->victim_length, victim);
      leaned = DISPLACEMENT - bytes_in(request->length, prefixes);
      pair.shared = leaned > victim + 1 ? leaned - victim - 1 : 0;
      pair.shared = pair.shared < pair.victim_own ? pair.shared : pair.victim_own;
      if (!leans_too_far(request, prefixes, victim) && try_pair(&pair, space, complete_only, found))
        return true;
    }
  return false;
}
