/* The search: of the displacement's bytes those at boundaries are the trap, those of instructions that stay are theirs, and the
 * others are free. */
#include "isa/x86_64/boundary.h"

enum { DISPLACEMENT = 4, TRIES_MAX = 256, BREAKPOINT = 0xCC };

struct form {
  const struct x64_reach_request *request;
  uint8_t jump[X64_PREFIXES_MAX + X64_JMP_LENGTH];
  unsigned free[DISPLACEMENT]; /* offsets of the free bytes above the window */
  unsigned free_count;
  unsigned window;             /* so many of the lowest are free: they choose a place in a window */
};

uint8_t x64_other_at_start(const struct x64_reach_request *request, const uint8_t *jump, unsigned start)
{
  unsigned offset = request->starts[start];

  return start < request->boundary_count && jump[offset] == BREAKPOINT ? request->code[offset] : BREAKPOINT;
}

static bool is_boundary(const struct x64_reach_request *request, unsigned offset)
{
  for (unsigned i = 0; i < request->boundary_count; i++)
    if (request->starts[i] == offset)
      return true;
  return false;
}

static bool stays(const struct x64_reach_request *request, unsigned offset)
{
  return request->boundary_count < request->start_count && offset >= request->starts[request->boundary_count];
}

static void lay_out(struct form *form, const struct x64_reach_request *request)
{
  unsigned first = request->prefixes + 1;
  bool in_window = true;

  *form = (struct form){.request = request};
  x64_pun_bytes(0, request->prefixes, 0, form->jump);
  for (unsigned offset = first; offset < first + DISPLACEMENT; offset++) {
    form->jump[offset] = stays(request, offset) ? request->code[offset] : 0;
    if (is_boundary(request, offset) || stays(request, offset))
      in_window = false;
    else if (in_window)
      form->window++;
    else
      form->free[form->free_count++] = offset;
  }
}

/* The traps change fastest at the highest boundary, which tells most of where the jump leads. */
static void fill(struct form *form, uint32_t try)
{
  const struct x64_reach_request *request = form->request;
  uint32_t value = x64_spread(try, 8 * form->free_count), chosen = try;

  for (unsigned i = request->boundary_count; i-- > 0; chosen /= request->trap_count)
    form->jump[request->starts[i]] = request->traps[chosen % request->trap_count];
  for (unsigned i = 0; i < form->free_count; i++)
    form->jump[form->free[i]] = (uint8_t)(value >> (8 * i));
}

/* Where the jump would lead with other bytes at the starts: a breakpoint, or, where one stands already, the program's own byte, which
 * those who take theirs away put back. */
static void wish_for_starts(const struct form *form, struct x64_wish *wish)
{
  const struct x64_reach_request *request = form->request;

  wish->offset_count = 0;
  for (unsigned i = 0; i < request->start_count; i++) {
    uint8_t other = x64_other_at_start(request, form->jump, i);

    wish->offsets[wish->offset_count++] =
        (intptr_t)(x64_pun_deflected(request->address, request->prefixes, wish->window.first, request->starts[i], other) -
                   wish->window.first);
  }
}

bool x64_reach_over(const struct x64_reach_request *request, const struct x64_space *space, bool complete_only,
                    struct x64_reached *found)
{
  struct form form;
  bool any = false;
  uint32_t tries;

  lay_out(&form, request);
  tries = form.free_count || request->trap_count > 1 ? TRIES_MAX : 1;
  for (uint32_t i = 0; i < tries; i++) {
    struct x64_reached candidate;
    struct x64_wish wish;

    fill(&form, i);
    if (!x64_pun_window(request->address, request->prefixes + 1 + form.window, request->prefixes, form.jump, &wish.window))
      continue;
    wish_for_starts(&form, &wish);
    if (!space->find(space->context, X64_SITE, &wish, &candidate.place, &candidate.complete) ||
        (!candidate.complete && (complete_only || any)))
      continue;
    *found = candidate;
    any = true;
    if (candidate.complete)
      break;
  }
  return any;
}
