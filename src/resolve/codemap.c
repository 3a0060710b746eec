/* Facts about code, from the modules' unwind tables and from decoding the function around an address. The function
 * decoded last is kept, since hooks come in runs. At a function's entry nothing is decoded unless some bytes of the
 * function look like a branch into the first instruction. */
#include "resolve/codemap.h"

#include "core/plan.h"
#include "host/host.h"
#include "os/memory.h"
#include "resolve/decoded.h"
#include "resolve/shape.h"

enum {
  PADDING_MAX = 64,
  SCAN_PLAIN = 256 /* how much of a function is searched for branches into a first instruction that has no prefix to skip: only
                      hand-written loops do that */
};

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
  reader_open(&reader, end);
  for (uintptr_t at = function->start; at < end;) {
    const uint8_t *bytes;
    size_t readable = reader_ahead(&reader, at, &bytes);

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
  struct eh_table table;
  uintptr_t next = module_facts_next(known, image, address), start, end;
  bool has_symbol = module_facts_function(known, image, address, &start, &end);

  if (module_unwind_table(image, &table)) {
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
  if (decode_is_of(module, &function))
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

void codemap_forget(void)
{
  decoded.module = 0;
  decoded.marks = NULL;
  decoded.size = 0;
  modules_forget();
}
