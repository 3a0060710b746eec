/* Facts about code, from the modules' unwind tables and from decoding the function around an address. The modules are listed
 * again when one came or went; the function decoded last is kept, since hooks come in runs. */
#include "resolve/codemap.h"

#include "core/plan.h"
#include "host/host.h"
#include "os/memory.h"
#include "os/modules.h"
#include "resolve/eh_frame.h"
#include "resolve/modules.h"

enum { FUNCTION_MAX = 1 << 20, AHEAD = 4096 };

enum { MARK_START = 1, MARK_TARGET = 2 };

/* The function decoded last: a mark for each of its bytes. */
static struct {
  uintptr_t start, end;
  uintptr_t decoded_to;             /* linear decoding went wrong there, or came to the end */
  uint8_t *marks;
  size_t size;
  uint64_t change;                  /* of the code that it was decoded from */
} decoded;

static bool make_room(size_t length)
{
  if (length <= decoded.size)
    return true;
  if (decoded.marks)
    os_free(decoded.marks, decoded.size);
  decoded.size = page_up(length, os_page_size());
  decoded.marks = os_allocate(decoded.size);
  if (!decoded.marks)
    decoded.size = 0;
  decoded.start = decoded.end = 0;
  return decoded.marks != NULL;
}

static void mark_instructions(const struct eh_function *function)
{
  uint8_t code[AHEAD];
  uintptr_t at = function->start, window = at;
  size_t have = 0;

  while (at < function->end) {
    struct host_flow flow;
    size_t length;

    if (at + HOST_INSN_MAX > window + have && window + have < function->end) {
      window = at;
      have = plan_read_current(at, code, sizeof code);
      if (have > function->end - at)
        have = function->end - at;
    }
    length = at < window + have ? host_insn_flow(code + (at - window), window + have - at, at, &flow) : 0;
    if (!length)
      break;
    decoded.marks[at - function->start] |= MARK_START;
    if (flow.has_target && flow.target >= function->start && flow.target < function->end)
      decoded.marks[flow.target - function->start] |= MARK_TARGET;
    at += length;
  }
  decoded.decoded_to = at;
}

static bool decode_function(const struct eh_function *function)
{
  size_t length = function->end - function->start;

  if (decoded.start == function->start && decoded.end == function->end && decoded.change == modules_generation())
    return true;
  if (length > FUNCTION_MAX || !make_room(length))
    return false;
  for (size_t i = 0; i < length; i++)
    decoded.marks[i] = 0;
  decoded.start = function->start;
  decoded.end = function->end;
  decoded.change = modules_generation();
  mark_instructions(function);
  return true;
}

static void look_inside(uintptr_t address, size_t length, struct code_facts *facts)
{
  const uint8_t *marks = decoded.marks;
  size_t offset = address - decoded.start;

  if (marks[offset]) {
    facts->boundary = BOUNDARY_YES;
  } else if (address < decoded.decoded_to) {
    facts->boundary = BOUNDARY_NO;
    while (!(marks[offset] & MARK_START))
      offset--;
    facts->instruction_start = decoded.start + offset;
  }
  for (size_t i = 1; i < length && address + i < decoded.end; i++)
    if (marks[address + i - decoded.start] & MARK_TARGET)
      facts->interior_target = address + i;
}

/* At a function's entry only an instruction with a prefix that may be skipped is worth looking for branches into it. */
static bool needs_decoding(uintptr_t address, const struct eh_function *function, const uint8_t *code)
{
  return address != function->start || host_has_skippable_prefix(code);
}

sighook_status codemap_facts(uintptr_t address, const uint8_t *code, size_t length, struct code_facts *facts,
                             struct error *error)
{
  const struct os_module *module = modules_find(address);
  struct eh_function function;
  struct eh_table table;

  (void)error;
  *facts = (struct code_facts){.next_entry = UINTPTR_MAX};
  if (!module || !module->unwind)
    return SIGHOOK_OK;
  table = (struct eh_table){module->unwind, module->low, module->high};
  facts->next_entry = eh_next_start(&table, address);
  if (!eh_find(&table, address, &function))
    return SIGHOOK_OK;
  facts->has_function = true;
  facts->function_start = function.start;
  facts->function_end = function.end;
  if (address == function.start)
    facts->boundary = BOUNDARY_YES;
  if (needs_decoding(address, &function, code) && decode_function(&function))
    look_inside(address, length, facts);
  return SIGHOOK_OK;
}
