/* The search for jumps that reach over whole instructions, against a search through everything. */
#include "search.h"
#include "isa/x86_64/boundary.h"
#include "isa/x86_64/pun.h"

enum { TRIED = 256, MANY = 70000, SPAN_MAX = X64_PREFIXES_MAX + X64_JMP_LENGTH, LOW_BASE = 0x400000 };

/* Some that trap and some that do not: the search takes what it is given. */
static const uint8_t traps[16] = {BREAKPOINT, 0x06, 0x07, 0x0E, 0x16, 0x17, 0x1E, 0x1F,
                                  0x27,       0x2F, 0x37, 0x3F, 0x60, 0x61, 0x82, 0xF1};

static void choose_space(uint64_t piece, unsigned density_bits)
{
  density = 2u << (unsigned)rand() % density_bits;
  salt = (uint64_t)rand();
  grain = piece;
}

static struct x64_reach_request random_request(uint8_t code[BYTES], unsigned trap_count)
{
  unsigned length = 1 + (unsigned)rand() % 4, at = length;
  struct x64_reach_request request = {.code = code,
                                      .prefixes = (unsigned)rand() % length,
                                      .address = (rand() % 4 ? address_base : LOW_BASE) + (uint64_t)rand() * 7 % 0x10000000,
                                      .traps = traps,
                                      .trap_count = trap_count};

  put_instruction(code, length);
  while (at < request.prefixes + X64_JMP_LENGTH) {
    request.starts[request.start_count++] = (uint8_t)at;
    at += put_instruction(code + at, rand() % 3 ? 1 + (unsigned)rand() % 2 : 1 + (unsigned)rand() % 8);
  }
  put_rest(code, at);
  request.boundary_count = 1 + (unsigned)rand() % request.start_count;
  return request;
}

/* ---- the bytes of the jump ---- */

/* The offset of the first instruction that stays, or the jump's end. */
static unsigned first_staying(const struct x64_reach_request *request)
{
  return request->boundary_count < request->start_count ? request->starts[request->boundary_count]
                                                         : request->prefixes + X64_JMP_LENGTH;
}

static bool is_boundary(const struct x64_reach_request *request, unsigned offset)
{
  for (unsigned i = 0; i < request->boundary_count; i++)
    if (request->starts[i] == offset)
      return true;
  return false;
}

/* Bytes behind the first boundary that any value will do for; those before it choose a place in the window. */
static unsigned list_free(const struct x64_reach_request *request, unsigned free[SPAN_MAX])
{
  unsigned count = 0;

  for (unsigned offset = request->starts[0] + 1u; offset < first_staying(request); offset++)
    if (offset < request->prefixes + X64_JMP_LENGTH && !is_boundary(request, offset))
      free[count++] = offset;
  return count;
}

/* So many ways there are to fill the bytes behind the window. */
static uint64_t candidates(const struct x64_reach_request *request)
{
  unsigned free[SPAN_MAX];
  uint64_t count = UINT64_C(1) << (8 * list_free(request, free));

  for (unsigned i = 0; i < request->boundary_count; i++)
    count *= request->trap_count;
  return count;
}

/* What a debugger may put at a start: its breakpoint, or the program's byte over what it takes for its breakpoint. */
static uint8_t others_byte(const struct x64_reach_request *request, const uint8_t *jump, unsigned start)
{
  unsigned offset = request->starts[start];

  return start < request->boundary_count && jump[offset] == BREAKPOINT ? request->code[offset] : BREAKPOINT;
}

static uint64_t target_of(const struct x64_reach_request *request, const uint8_t *jump)
{
  uint32_t displacement = 0;

  for (unsigned i = 0; i < 4; i++)
    displacement |= (uint32_t)jump[request->prefixes + 1 + i] << (8 * i);
  return request->address + request->prefixes + X64_JMP_LENGTH + (uint64_t)(int64_t)(int32_t)displacement;
}

static bool others_are_survived(const struct x64_reach_request *request, const uint8_t *jump)
{
  for (unsigned i = 0; i < request->start_count; i++) {
    uint8_t changed[SPAN_MAX];

    memcpy(changed, jump, sizeof changed);
    changed[request->starts[i]] = others_byte(request, jump, i);
    if (!is_free(target_of(request, changed)))
      return false;
  }
  return true;
}

/* ---- answers ---- */

static void check(const struct x64_reach_request *request, const struct x64_reached *found)
{
  uint8_t bytes[BYTES * 2] = {0}, jump[SPAN_MAX] = {0};
  unsigned span = request->prefixes + X64_JMP_LENGTH;

  assert_true(is_free(found->place));
  x64_pun_bytes(request->address, request->prefixes, found->place, jump);
  memcpy(bytes, request->code, BYTES);
  memcpy(bytes, jump, span);
  assert_true(leads_to(bytes, request->address, span) == found->place);
  for (unsigned i = 0; i < request->boundary_count; i++)
    assert_non_null(memchr(request->traps, jump[request->starts[i]], request->trap_count));
  for (unsigned offset = first_staying(request); offset < span; offset++)
    assert_int_equal(jump[offset], request->code[offset]);
  assert_int_equal(found->complete, others_are_survived(request, jump));
  for (unsigned i = 0; i < request->start_count; i++)
    assert_int_equal(x64_other_at_start(request, jump, i), others_byte(request, jump, i));
}

static void answers_are_jumps_with_traps_where_they_have_to_be(void **state)
{
  unsigned answers = 0, complete = 0, low = 0;

  (void)state;
  for (unsigned round = 0; round < ROUNDS; round++) {
    uint8_t code[BYTES];
    struct x64_reach_request request = random_request(code, 1 + (unsigned)rand() % sizeof traps);
    struct x64_reached found;

    choose_space(PAGE, 12);
    if (!x64_reach_over(&request, &space, round % 2, &found))
      continue;
    check(&request, &found);
    assert_true(found.complete || !(round % 2));
    answers++;
    complete += found.complete;
    low += request.address < address_base;
  }
  print_message("%u answers, %u of them complete, %u in low code\n", answers, complete, low);
  assert_true(answers > ROUNDS / 4 && complete > ROUNDS / 10 && complete < answers && low > ROUNDS / 20);
}

/* ---- everything ---- */

enum there { NONE, SOME, COMPLETE };

/* The best of what one way of filling the bytes behind the window comes to. */
static enum there of_window(const struct x64_reach_request *request, uint8_t jump[SPAN_MAX])
{
  const uint64_t end = UINT64_C(1) << 47;
  unsigned window = request->starts[0] - request->prefixes - 1u;
  uint64_t first = target_of(request, jump), last = first + (UINT64_C(1) << (8 * window)) - 1, place;

  if (first >= end || last >= end || !first_free(&(struct x64_window){first, last}, &place))
    return NONE;
  for (unsigned i = 0; i < window; i++)
    jump[request->prefixes + 1 + i] = (uint8_t)((place - first) >> (8 * i));
  return others_are_survived(request, jump) ? COMPLETE : SOME;
}

static enum there best_there_is(const struct x64_reach_request *request)
{
  uint64_t count = candidates(request);
  unsigned free[SPAN_MAX], free_count = list_free(request, free);
  enum there best = NONE;

  for (uint64_t i = 0; i < count && best != COMPLETE; i++) {
    uint8_t jump[SPAN_MAX] = {0};
    uint64_t left = i;
    enum there one;

    for (unsigned offset = first_staying(request); offset < request->prefixes + X64_JMP_LENGTH; offset++)
      jump[offset] = request->code[offset];
    for (unsigned j = 0; j < free_count; j++, left >>= 8)
      jump[free[j]] = (uint8_t)left;
    for (unsigned j = 0; j < request->boundary_count; j++, left /= request->trap_count)
      jump[request->starts[j]] = request->traps[left % request->trap_count];
    one = of_window(request, jump);
    best = one > best ? one : best;
  }
  return best;
}

struct comparison {
  unsigned answers, misses;           /* where there is one; those not found */
  unsigned complete, worse;           /* where there is a complete one; those where none such was found */
};

/* Of requests with more than `least` candidates and at most `most`. */
static struct comparison compare(unsigned rounds, uint64_t least, uint64_t most, unsigned density_bits)
{
  struct comparison result = {0};

  while (rounds > 0) {
    uint8_t code[BYTES];
    struct x64_reach_request request = random_request(code, rand() % 2 ? 1 : 2 + (unsigned)rand() % (sizeof traps - 1));
    struct x64_reached found = {0};
    enum there best;
    bool any;

    choose_space(rand() % 2 ? PAGE : 1, density_bits);
    if (candidates(&request) <= least || candidates(&request) > most || request.starts[0] - request.prefixes > 3)
      continue;
    rounds--;
    best = best_there_is(&request);
    any = x64_reach_over(&request, &space, false, &found);
    assert_true(best != NONE || !any);
    result.answers += best != NONE;
    result.misses += best != NONE && !any;
    result.complete += best == COMPLETE;
    result.worse += best == COMPLETE && !found.complete;
    any = x64_reach_over(&request, &space, true, &found);
    assert_true(best == COMPLETE || !any);
    result.worse += best == COMPLETE && !any;
  }
  print_message("%u answers, %u missed; %u complete ones, %u missed\n", result.answers, result.misses, result.complete,
                result.worse);
  return result;
}

/* No more candidates than tries: all are tried. */
static void of_256_candidates_none_is_left_out(void **state)
{
  struct comparison result = compare(ROUNDS, 0, TRIED, 8);

  (void)state;
  assert_true(result.answers > ROUNDS / 10 && result.complete > ROUNDS / 20);
  assert_int_equal(result.misses, 0);
  assert_int_equal(result.worse, 0);
}

/* Two boundaries of 16 traps each and nothing free, or a byte that is free: exactly as many. */
static void as_many_candidates_as_tries_are_all_tried(void **state)
{
  struct comparison result = compare(ROUNDS / 10, TRIED - 1, TRIED, 10);

  (void)state;
  assert_true(result.answers > ROUNDS / 100);
  assert_int_equal(result.misses, 0);
  assert_int_equal(result.worse, 0);
}

/* Of more the search tries some, on purpose. */
static void of_more_candidates_enough_are_tried(void **state)
{
  struct comparison result = compare(ROUNDS / 10, TRIED, MANY, 8);

  (void)state;
  assert_true(result.answers > ROUNDS / 40);
  assert_in_range(result.misses, 0, result.answers / 4);
  assert_in_range(result.worse, 0, result.complete);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_are_jumps_with_traps_where_they_have_to_be),
      cmocka_unit_test(of_256_candidates_none_is_left_out),
      cmocka_unit_test(as_many_candidates_as_tries_are_all_tried),
      cmocka_unit_test(of_more_candidates_enough_are_tried),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
