/* Facts about code, from the modules' unwind tables and from decoding the function around an address. The function
 * decoded last is kept, since hooks come in runs. At a function's entry nothing is decoded unless some bytes of the
 * function look like a branch into the first instruction. */
#include "resolve/codemap.h"

#include "core/plan.h"
#include "host/host.h"
#include "os/memory.h"
#include "resolve/eh_frame.h"
#include "resolve/modules.h"
#include "resolve/shape.h"

enum {
  FUNCTION_MAX = 1 << 20, /* larger ones are not decoded */
  WINDOW = 1024,          /* code read at once */
  PENDING_MAX = 64,       /* a walk that meets more branches, or instructions, is not gone to its end */
  STEPS_MAX = 4096,
  PADDING_MAX = 64,
  SCAN_PLAIN = 256        /* how much of a function is searched for branches into a first instruction that has no
                             prefix to skip: only hand-written loops do that */
};

enum {
  MARK_LINEAR = 1, /* an instruction begins here, decoded from the function's start */
  MARK_TARGET = 2, /* a direct branch leads here */
  MARK_INNER = 4,  /* an instruction begins here, decoded from a target inside another instruction */
  MARK_HEAD = 8,   /* a direct branch leads back here */
  MARK_START = 15, /* any of these */
  MARK_SEEN = 16,  /* by the walk under way */
  MARK_LOOP = 32,  /* found out: the head of a loop */
  MARK_ONCE = 64   /* ... and of none */
};

/* The function decoded last: a mark for each of its bytes. */
static struct {
  uint64_t module; /* its serial number; 0: nothing is decoded */
  uintptr_t start, end;
  uintptr_t decoded_to; /* linear decoding went wrong there, or came to the end */
  uint8_t *marks;
  size_t size;
} decoded;

/* Code of the function, read ahead. */
struct reader {
  uintptr_t at, end; /* what bytes[] holds begins at `at`; nothing from `end` on is wanted */
  size_t length;
  uint8_t bytes[WINDOW];
};

static void open_reader(struct reader *reader, uintptr_t end)
{
  reader->at = 0; /* field by field: an initializer would call memset, which may be a site */
  reader->end = end;
  reader->length = 0;
}

static size_t read_ahead(struct reader *reader, uintptr_t address, const uint8_t **bytes)
{
  bool is_held = address >= reader->at && address - reader->at < reader->length;

  if (!is_held ||
      (address - reader->at + HOST_INSN_MAX > reader->length && reader->at + reader->length < reader->end)) {
    size_t wanted = reader->end - address < WINDOW ? reader->end - address : WINDOW;

    reader->at = address;
    reader->length = plan_read_current(address, reader->bytes, wanted);
  }
  *bytes = reader->bytes + (address - reader->at);
  return reader->length - (address - reader->at);
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
    size_t readable = read_ahead(reader, at, &bytes), length;
    struct host_flow flow;

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

static bool decode_function(const struct module *module, const struct eh_function *function)
{
  size_t length = function->end - function->start;
  struct reader reader;

  open_reader(&reader, function->end);
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

static bool is_decoded(const struct module *module, const struct eh_function *function)
{
  return decoded.module == module->serial && decoded.start == function->start && decoded.end == function->end;
}

/* The instruction of the linear decoding that `address` is inside of; 0: none. */
static uintptr_t linear_around(uintptr_t address)
{
  size_t offset = address - decoded.start;

  if (address >= decoded.decoded_to || decoded.marks[offset] & MARK_LINEAR)
    return 0;
  while (!(decoded.marks[offset] & MARK_LINEAR))
    offset--;
  return decoded.start + offset;
}

/* The inner instruction that reaches over `address`; 0: none, as nearly always. */
static uintptr_t inner_around(uintptr_t address)
{
  for (size_t back = 1; back < HOST_INSN_MAX && address - back >= decoded.start; back++) {
    uint8_t code[HOST_INSN_MAX];
    size_t readable;

    if (!(decoded.marks[address - back - decoded.start] & MARK_INNER))
      continue;
    readable = plan_read_current(address - back, code, sizeof code);
    if (host_insn_length(code, readable) > back)
      return address - back;
  }
  return 0;
}

static void look_inside(uintptr_t address, size_t length, struct code_facts *facts)
{
  uintptr_t around = linear_around(address);

  if (!around)
    around = inner_around(address);
  if (decoded.marks[address - decoded.start] & MARK_START) {
    facts->boundary = BOUNDARY_YES;
    facts->is_head = decoded.marks[address - decoded.start] & MARK_HEAD;
    facts->is_target = decoded.marks[address - decoded.start] & MARK_TARGET;
    facts->enclosing = around;
  } else if (address < decoded.decoded_to) {
    facts->boundary = BOUNDARY_NO;
    facts->instruction_start = around;
  }
  for (size_t i = 1; i < length && address + i < decoded.end && !facts->interior_target; i++)
    if (decoded.marks[address + i - decoded.start] & MARK_START)
      facts->interior_target = address + i;
}

/* Whether some bytes of the function look like a branch into its first instruction. */
static bool may_enter_first(const struct eh_function *function, const uint8_t *code, size_t length)
{
  bool has_prefix = shape_has_skippable_prefix(code, length);
  uintptr_t end = function->end, low = function->start + 1, high = function->start + length;
  struct reader reader;

  if (length < 2)
    return false;
  if (!has_prefix && end - function->start > SCAN_PLAIN)
    end = function->start + SCAN_PLAIN;
  open_reader(&reader, end);
  for (uintptr_t at = function->start; at < end;) {
    const uint8_t *bytes;
    size_t readable = read_ahead(&reader, at, &bytes);

    if (shape_may_branch_into(bytes, readable, at, low, high))
      return true;
    if (readable < HOST_INSN_MAX || at + readable >= end)
      break;
    at += readable - (HOST_INSN_MAX - 1); /* a branch may lie across two windows */
  }
  return false;
}

/* The function at `address`, by its unwind entry or else by an exported symbol, and what begins behind it. Answers
 * whether the address is a function's entry. */
static bool find_function(struct module *module, uintptr_t address, struct eh_function *function,
                          struct code_facts *facts)
{
  const struct os_module *image = &module->image;
  const struct module_facts *known = module_facts(module);
  const struct os_segment *segment = image->unwind ? os_module_segment(image, image->unwind, OS_READ) : NULL;
  struct eh_table table = {.header = image->unwind};
  uintptr_t next = module_facts_next(known, image, address), start, end;
  bool has_symbol = module_facts_function(known, image, address, &start, &end);

  if (segment) {
    table.low = segment->start;
    table.high = segment->end;
    facts->next_entry = eh_next_start(&table, address);
    facts->has_function = eh_find(&table, address, function);
  }
  if (next < facts->next_entry)
    facts->next_entry = next;
  if (!facts->has_function && has_symbol) {
    *function = (struct eh_function){.start = start, .end = end};
    facts->has_function = true;
  }
  if (!facts->has_function)
    return false;
  facts->function_start = function->start;
  facts->function_end = function->end;
  return address == function->start || (has_symbol && address == start);
}

/* Behind a function's end, nothing but padding up to the next entry. */
static bool begins_padding(struct module *module, uintptr_t address, uintptr_t next_entry)
{
  uint8_t code[PADDING_MAX];
  struct eh_function function;
  struct code_facts before = {.next_entry = UINTPTR_MAX};
  size_t length = next_entry - address, at = 0;

  find_function(module, address - 1, &function, &before);
  if (length > sizeof code || !before.has_function || before.function_end != address ||
      plan_read_current(address, code, length) != length)
    return false;
  while (at < length) {
    size_t step = shape_padding(code + at, length - at);

    if (!step)
      return false;
    at += step;
  }
  return true;
}

sighook_status codemap_facts(uintptr_t address, const uint8_t *code, size_t length, struct code_facts *facts,
                             struct error *error)
{
  struct module *module = modules_find(address);
  struct eh_function function;
  bool is_entry;

  (void)error;
  *facts = (struct code_facts){.next_entry = UINTPTR_MAX};
  if (!module)
    return SIGHOOK_OK;
  is_entry = find_function(module, address, &function, facts);
  if (!facts->has_function && begins_padding(module, address, facts->next_entry)) {
    facts->boundary = BOUNDARY_YES;
    facts->is_padding = true;
  }
  if (!facts->has_function || function.is_signal_frame)
    return SIGHOOK_OK;
  if (is_decoded(module, &function))
    look_inside(address, length, facts);
  else if ((address != function.start || may_enter_first(&function, code, length)) &&
           decode_function(module, &function))
    look_inside(address, length, facts);
  if (is_entry) {
    facts->boundary = BOUNDARY_YES;
    facts->is_head = facts->is_target = true;
  }
  return SIGHOOK_OK;
}

static bool comes_back(uintptr_t head)
{
  uintptr_t pending[PENDING_MAX] = {head};
  unsigned count = 1, steps = 0;
  struct reader reader;

  open_reader(&reader, decoded.end);
  for (size_t i = 0; i < decoded.end - decoded.start; i++)
    decoded.marks[i] &= (uint8_t)~MARK_SEEN;
  while (count > 0) {
    uintptr_t at = pending[--count];
    struct host_flow flow = {.falls_through = true};

    while (flow.falls_through && at >= decoded.start && at < decoded.end && !(decoded.marks[at - decoded.start] & MARK_SEEN)) {
      const uint8_t *bytes;
      size_t readable = read_ahead(&reader, at, &bytes), length = readable ? host_insn_flow(bytes, readable, at, &flow) : 0;

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

void codemap_forget(void)
{
  decoded.module = 0;
  decoded.marks = NULL;
  decoded.size = 0;
  modules_forget();
}
