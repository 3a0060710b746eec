/* Decoding a function: where instructions begin, where its branches lead, which of them make loops. */
#include "resolve/decoded.h"

#include "core/plan.h"
#include "host/host.h"
#include "os/memory.h"
#include "resolve/codemap.h"

enum {
  FUNCTION_MAX = 1 << 20, /* larger ones are not decoded */
  PENDING_MAX = 64,       /* a walk that meets more branches, or instructions, is not gone to its end */
  STEPS_MAX = 4096
};

struct decoded decoded;

void reader_open(struct reader *reader, uintptr_t end)
{
  reader->at = 0; /* field by field: an initializer would call memset, which may be a site */
  reader->end = end;
  reader->length = 0;
}

size_t reader_ahead(struct reader *reader, uintptr_t address, const uint8_t **bytes)
{
  bool is_held = address >= reader->at && address - reader->at < reader->length;

  if (!is_held ||
      (address - reader->at + HOST_INSN_MAX > reader->length && reader->at + reader->length < reader->end)) {
    size_t wanted = reader->end - address < DECODE_WINDOW ? reader->end - address : DECODE_WINDOW;

    reader->at = address;
    reader->length = plan_read_current(address, reader->bytes, wanted);
  }
  *bytes = reader->bytes + (address - reader->at);
  return reader->length - (address - reader->at);
}

/* Behind somebody else's breakpoint instructions begin where they did before it was set. */
static void undo_breakpoint(struct reader *reader, uintptr_t address)
{
  uint8_t own[HOST_TRAP_LENGTH];

  if (!plan_current_breakpoint_hides(address, own))
    return;
  for (size_t i = 0; i < sizeof own; i++)
    reader->bytes[address - reader->at + i] = own[i];
}

static bool make_room(size_t length)
{
  decoded.module = 0;
  if (length <= decoded.size)
    return true;
  if (decoded.marks)
    os_free(decoded.marks, decoded.size);
  decoded.size = page_up(length, os_page_size());
  decoded.marks = os_allocate(decoded.size);
  if (!decoded.marks)
    decoded.size = 0;
  return decoded.marks != NULL;
}

/* Decodes from `at` on until code that was decoded before, bytes that are no instruction, or the function's end. */
static uintptr_t mark_run(struct reader *reader, uintptr_t at, uint8_t mark)
{
  while (at < decoded.end && !(decoded.marks[at - decoded.start] & (MARK_LINEAR | MARK_INNER))) {
    const uint8_t *bytes;
    size_t readable = reader_ahead(reader, at, &bytes), length;
    struct host_flow flow;

    if (readable >= HOST_TRAP_LENGTH && host_insn_is_breakpoint(bytes))
      undo_breakpoint(reader, at);
    length = readable ? host_insn_flow(bytes, readable, at, &flow) : 0;
    if (!length)
      break;
    decoded.marks[at - decoded.start] |= mark;
    if (flow.has_target && flow.target >= decoded.start && flow.target < decoded.end)
      decoded.marks[flow.target - decoded.start] |= flow.target > at ? MARK_TARGET : MARK_TARGET | MARK_HEAD;
    at += length;
    /* Linear decoding goes on behind a return: something leads there. An inner run knows only its own way. */
    if (mark == MARK_INNER && !flow.falls_through)
      break;
  }
  return at;
}

/* Targets that linear decoding did not come by begin instructions too, and so do those behind them. A run may mark
 * further targets at lower addresses, hence the repetition. */
static void mark_targets(struct reader *reader)
{
  enum {
    ROUNDS = 4
  };
  bool again = true;

  for (unsigned round = 0; again && round < ROUNDS; round++) {
    again = false;
    for (size_t i = 0; i < decoded.end - decoded.start; i++)
      if ((decoded.marks[i] & ~MARK_HEAD) == MARK_TARGET && mark_run(reader, decoded.start + i, MARK_INNER) != decoded.start + i)
        again = true;
  }
}

bool decode_function(const struct module *module, const struct eh_function *function)
{
  size_t length = function->end - function->start;
  struct reader reader;

  reader_open(&reader, function->end);
  if (length > FUNCTION_MAX || !make_room(length))
    return false;
  for (size_t i = 0; i < length; i++)
    decoded.marks[i] = 0;
  decoded.start = function->start;
  decoded.end = function->end;
  decoded.decoded_to = mark_run(&reader, function->start, MARK_LINEAR);
  mark_targets(&reader);
  decoded.module = module->serial;
  return true;
}

bool decode_is_of(const struct module *module, const struct eh_function *function)
{
  return decoded.module == module->serial && decoded.start == function->start && decoded.end == function->end;
}

static bool comes_back(uintptr_t head)
{
  uintptr_t pending[PENDING_MAX] = {head};
  unsigned count = 1, steps = 0;
  struct reader reader;

  reader_open(&reader, decoded.end);
  for (size_t i = 0; i < decoded.end - decoded.start; i++)
    decoded.marks[i] &= (uint8_t)~MARK_SEEN;
  while (count > 0) {
    uintptr_t at = pending[--count];
    struct host_flow flow = {.falls_through = true};

    while (flow.falls_through && at >= decoded.start && at < decoded.end && !(decoded.marks[at - decoded.start] & MARK_SEEN)) {
      const uint8_t *bytes;
      size_t readable = reader_ahead(&reader, at, &bytes), length = readable ? host_insn_flow(bytes, readable, at, &flow) : 0;

      decoded.marks[at - decoded.start] |= MARK_SEEN;
      at += length;
      if (!length || flow.leads_anywhere || ++steps > STEPS_MAX || count == PENDING_MAX || (flow.falls_through && at == head) ||
          (flow.has_target && flow.target == head))
        return true;
      if (flow.has_target)
        pending[count++] = flow.target;
    }
  }
  return false;
}

bool codemap_is_loop(uintptr_t address)
{
  uint8_t *mark = &decoded.marks[address - decoded.start];

  if (!decoded.module || address <= decoded.start || address >= decoded.end)
    return true;
  if (!(*mark & (MARK_LOOP | MARK_ONCE)))
    *mark |= comes_back(address) ? MARK_LOOP : MARK_ONCE;
  return *mark & MARK_LOOP;
}
