/* The search for jumps that make another instruction give way, against a search through everything. */
#include "search.h"
#include "isa/x86_64/evict.h"
#include "isa/x86_64/pun.h"

static struct x64_eviction_request random_request(uint8_t code[BYTES])
{
  struct x64_eviction_request request = {.address = address_base + (uint64_t)rand() * 7,
                                         .code = code,
                                         .original = code,
                                         .readable = BYTES,
                                         .length = 1 + (unsigned)rand() % 4,
                                         .victim_length = 1 + (unsigned)rand() % 8,
                                         .prefixes_max = (unsigned)rand() % 4,
                                         .victim_prefixes_max = (unsigned)rand() % 4};
  unsigned at = put_instruction(code, request.length);

  at += put_instruction(code + at, request.victim_length);
  put_rest(code, at);
  request.span_max = rand() % 4 ? BYTES : 6 + (unsigned)rand() % 8;
  density = 2u << rand() % 12;
  salt = (uint64_t)rand();
  grain = PAGE;
  return request;
}

/* ---- answers ---- */

static unsigned own_part(unsigned length, unsigned prefixes)
{
  return length < prefixes + X64_JMP_LENGTH ? length : prefixes + X64_JMP_LENGTH;
}

/* With a breakpoint on each instruction that the jump at `offset` leans on, it leads to where an island can be. */
static void check_breakpoints(const struct x64_eviction_request *request, const uint8_t *bytes, unsigned offset, unsigned length,
                              unsigned prefixes)
{
  size_t at = offset + length;

  for (; at < offset + prefixes + X64_JMP_LENGTH; at += x64_length(request->original + at, BYTES - at)) {
    uint8_t broken[BYTES * 2] = {0};

    memcpy(broken, bytes, BYTES);
    broken[at] = BREAKPOINT;
    assert_true(is_free(leads_to(broken + offset, request->address + offset, prefixes + X64_JMP_LENGTH)));
  }
}

static void check(const struct x64_eviction_request *request, const struct x64_eviction *found)
{
  uint8_t bytes[BYTES * 2] = {0}, jump[X64_PREFIXES_MAX + X64_JMP_LENGTH], victim[sizeof jump];
  unsigned end = found->prefixes + X64_JMP_LENGTH, victim_end = request->length + found->victim_prefixes + X64_JMP_LENGTH;

  assert_true(found->prefixes < request->length && found->prefixes <= request->prefixes_max);
  assert_true(found->victim_prefixes < request->victim_length && found->victim_prefixes <= request->victim_prefixes_max);
  assert_true(end <= request->span_max && victim_end <= request->span_max);
  assert_true(is_free(found->place) && is_free(found->victim_place));
  memcpy(bytes, request->code, BYTES);
  x64_pun_bytes(request->address, found->prefixes, found->place, jump);
  x64_pun_bytes(request->address + request->length, found->victim_prefixes, found->victim_place, victim);
  memcpy(bytes, jump, own_part(request->length, found->prefixes));
  memcpy(bytes + request->length, victim, own_part(request->victim_length, found->victim_prefixes));
  assert_true(leads_to(bytes, request->address, end) == found->place);
  assert_true(leads_to(bytes + request->length, request->address + request->length, victim_end - request->length) ==
              found->victim_place);
  if (!found->complete)
    return;
  check_breakpoints(request, bytes, 0, request->length, found->prefixes);
  check_breakpoints(request, bytes, request->length, request->victim_length, found->victim_prefixes);
}

static void answers_are_jumps_that_lead_to_their_places(void **state)
{
  unsigned answers = 0, complete = 0;

  (void)state;
  for (unsigned round = 0; round < ROUNDS; round++) {
    uint8_t code[BYTES];
    struct x64_eviction_request request = random_request(code);
    struct x64_eviction found;

    if (!x64_evict(&request, &space, round % 2, &found))
      continue;
    check(&request, &found);
    assert_true(found.complete || !(round % 2));
    answers++;
    complete += found.complete;
  }
  print_message("%u answers, %u of them complete\n", answers, complete);
  assert_true(answers > ROUNDS / 4 && complete > ROUNDS / 10 && complete < answers);
}

/* ---- everything ---- */

/* Whether some value of the victim's own displacement bytes has both jumps lead to where something is free. */
static bool all_values(const struct x64_eviction_request *request, unsigned prefixes, unsigned victim_prefixes, unsigned own)
{
  uint8_t bytes[BYTES * 2] = {0}, *victim = bytes + request->length, jump[X64_PREFIXES_MAX + X64_JMP_LENGTH];

  memcpy(bytes, request->code, BYTES);
  x64_pun_bytes(0, victim_prefixes, 0, jump);
  memcpy(victim, jump, victim_prefixes + 1u);
  for (uint64_t value = 0; value < UINT64_C(1) << (8 * own); value++) {
    struct x64_window window, victim_window;
    uint64_t place;

    for (unsigned i = 0; i < own; i++)
      victim[victim_prefixes + 1 + i] = (uint8_t)(value >> (8 * i));
    if (x64_pun_window(request->address + request->length, victim_prefixes + 1, victim_prefixes, victim, &victim_window) &&
        x64_pun_window(request->address, request->length, prefixes, bytes, &window) && is_free(victim_window.first) &&
        first_free(&window, &place))
      return true;
  }
  return false;
}

/* Whether there is an answer, of those whose victim's jump has `own` bytes of its own at most. */
static bool there_is_one(const struct x64_eviction_request *request, unsigned own_max)
{
  for (unsigned prefixes = 0; prefixes < request->length && prefixes <= request->prefixes_max; prefixes++)
    for (unsigned victim = 0; victim < request->victim_length && victim <= request->victim_prefixes_max; victim++) {
      unsigned own = request->victim_length - victim - 1;

      if (own <= own_max && prefixes + X64_JMP_LENGTH <= request->span_max &&
          request->length + victim + X64_JMP_LENGTH <= request->span_max &&
          request->length + request->victim_length <= request->span_max && all_values(request, prefixes, victim, own))
        return true;
    }
  return false;
}

static void compare(unsigned rounds, unsigned own_max, unsigned *answers, unsigned *misses)
{
  *answers = *misses = 0;
  for (unsigned round = 0; round < rounds; round++) {
    uint8_t code[BYTES];
    struct x64_eviction_request request = random_request(code);
    struct x64_eviction found;

    grain = 1;
    request.length = 1;
    put_instruction(code, 1);
    request.victim_length = own_max + 1;
    for (unsigned at = 1 + put_instruction(code + 1, request.victim_length); at < BYTES - 8;)
      at += put_instruction(code + at, 1 + (unsigned)rand() % 8);
    request.victim_prefixes_max = 0;
    if (!there_is_one(&request, own_max))
      continue;
    ++*answers;
    *misses += !x64_evict(&request, &space, false, &found);
  }
}

/* One byte is the victim's own: 256 values, which are all tried. */
static void of_256_values_none_is_left_out(void **state)
{
  unsigned answers, misses;

  (void)state;
  compare(ROUNDS, 1, &answers, &misses);
  print_message("%u answers, %u missed\n", answers, misses);
  assert_true(answers > ROUNDS / 20);
  assert_int_equal(misses, 0);
}

/* Two bytes: of the 65,536 values the search tries some, on purpose. */
static void of_more_values_enough_are_tried(void **state)
{
  unsigned answers, misses;

  (void)state;
  compare(ROUNDS / 10, 2, &answers, &misses);
  print_message("%u answers, %u missed\n", answers, misses);
  assert_true(answers > ROUNDS / 40);
  assert_in_range(misses, 0, answers / 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_are_jumps_that_lead_to_their_places),
      cmocka_unit_test(of_256_values_none_is_left_out),
      cmocka_unit_test(of_more_values_enough_are_tried),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
