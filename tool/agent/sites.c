/* Functions of the listing -> sites. Instructions are told from each other by decoding from a function's start to its end. */
#include "sites.h"

#include <sighook/sighook.h>
#include "address_set.h"
#include "addresses.h"
#include "host/host.h"
#include "os/memory.h"
#include "os/modules.h"
#include "os/text.h"
#include "resolve/modules.h"

enum { READ_AHEAD = 4096 };

/* ---- functions ---- */

/* The executable segment that an address lies in, and the end of the function that the unwind table says begins there. */
struct place {
  uintptr_t address, segment_start, segment_end, function_end;
};

static bool find_place(const struct os_module *module, void *data)
{
  struct place *place = data;
  const struct os_segment *code = os_module_segment(module, place->address, OS_READ | OS_EXECUTE);
  struct eh_table table;
  struct eh_function function;

  if (!code)
    return false;
  place->segment_start = code->start;
  place->segment_end = code->end;
  if (module_unwind_table(module, &table) && eh_find(&table, place->address, &function) && function.start == place->address)
    place->function_end = function.end;
  return true;
}

/* The command knows a function's size by its symbol or the file's unwind table; that of an IFUNC's target it does not. */
static struct code_range range_of(struct place *last, uintptr_t address, uint64_t size)
{
  uintptr_t end = address + size;

  if (!size || address < last->segment_start || address >= last->segment_end) {
    *last = (struct place){.address = address};
    os_modules_each(find_place, last);
    if (!size)
      end = last->function_end;
  }
  if (end < address || end > last->segment_end)
    end = last->segment_end;
  return (struct code_range){address, end > address ? end : address};
}

static void find_plain(struct sites *sites, struct address_set *seen)
{
  struct listing_function *functions = sites->listing->functions;
  struct code_range *before = NULL;
  struct place last = {0};

  for (uint64_t i = 0; i < sites->listing->function_count; i++) {
    uintptr_t address = module_bias(functions[i].module) + functions[i].offset;

    if (functions[i].is_ifunc || !address_set_add(seen, address))
      continue;
    sites->ranges[i] = range_of(&last, address, functions[i].size);
    if (before && before->start < address && before->end > address)
      before->end = address;           /* no instruction twice */
    before = &sites->ranges[i];
  }
}

/* Where one was also asked for by its own name, that name has it. */
static void find_chosen(struct sites *sites, struct address_set *seen)
{
  struct listing_function *functions = sites->listing->functions;
  struct place last = {0};

  for (uint64_t i = 0; i < sites->listing->function_count; i++) {
    struct ifunc_target chosen;

    if (!functions[i].is_ifunc)
      continue;
    chosen = ifunc_target(module_bias(functions[i].module) + functions[i].offset);
    functions[i].target = chosen.offset;
    functions[i].target_module = chosen.module;
    sites->listing->unchosen += !chosen.address;
    if (!chosen.address || !address_set_add(seen, chosen.address))
      continue;
    /* What the kernel brings along has a table too, but is no function of the modules that were asked about. */
    sites->ranges[i] = range_of(&last, chosen.address, chosen.module == UINT32_MAX ? 1 : 0);
  }
}

bool sites_find(struct sites *sites, struct listing *listing)
{
  uint64_t count = listing->function_count;
  struct address_set seen = {.size = (uint32_t)count * 2 + 1};
  size_t seen_size = page_up(seen.size * sizeof *seen.slots, os_page_size());

  *sites = (struct sites){.listing = listing, .size = page_up(count * sizeof *sites->ranges + 1, os_page_size())};
  sites->ranges = os_allocate(sites->size);
  seen.slots = os_allocate(seen_size);
  if (!sites->ranges || !seen.slots)
    return false;
  find_plain(sites, &seen);
  find_chosen(sites, &seen);
  for (uint64_t i = 0; i < count && listing->by_instruction; i++)
    listing->endless += sites->ranges[i].start && sites->ranges[i].end == sites->ranges[i].start;
  os_free(seen.slots, seen_size);
  return true;
}

void sites_free(struct sites *sites)
{
  os_free(sites->ranges, sites->size);
}

/* ---- instructions ---- */

/* Code, read as the library reads it, and ahead. */
struct reader {
  struct os_text text;
  uintptr_t at;                        /* where bytes[] begins */
  size_t length;
  uint8_t bytes[READ_AHEAD];
};

static size_t insn_length(struct reader *reader, uintptr_t at, uintptr_t end)
{
  size_t offset = at - reader->at, readable;

  if (at < reader->at || offset + HOST_INSN_MAX > reader->length) {
    reader->at = at;
    reader->length = os_text_read(&reader->text, at, reader->bytes, sizeof reader->bytes);
    offset = 0;
  }
  readable = reader->length - offset;
  return host_insn_length(reader->bytes + offset, readable < end - at ? readable : end - at);
}

/* The next site of a function; its end or more where there is none. What is no instruction is passed in the smallest steps. */
static uintptr_t next_site(const struct sites *sites, struct reader *reader, const struct code_range *range, uintptr_t at)
{
  size_t length;

  if (!sites->listing->by_instruction || at >= range->end)
    return UINTPTR_MAX;
  length = insn_length(reader, at, range->end);
  return at + (length ? length : HOST_INSN_ALIGN);
}

static bool is_over(const struct code_range *range, uintptr_t at)
{
  return !range->start || (at >= range->end && at != range->start);
}

uint64_t sites_count(const struct sites *sites)
{
  struct reader reader = {.length = 0};
  uint64_t count = 0;

  os_text_open(&reader.text);
  for (uint64_t i = 0; i < sites->listing->function_count; i++) {
    const struct code_range *range = &sites->ranges[i];

    for (uintptr_t at = range->start; !is_over(range, at); at = next_site(sites, &reader, range, at))
      count++;
  }
  os_text_close(&reader.text);
  return count;
}

/* Splitmix64: numbers that look like chance, the same for the same seed. */
static uint64_t number_by_chance(uint64_t *state)
{
  uint64_t number = *state += UINT64_C(0x9E3779B97F4A7C15);

  number = (number ^ number >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  number = (number ^ number >> 27) * UINT64_C(0x94D049BB133111EB);
  return number ^ number >> 31;
}

void sites_each(const struct sites *sites, void (*visit)(void *data, uint32_t function, uintptr_t address), void *data)
{
  uint64_t left = sites->listing->random ? sites_count(sites) : 0, wanted = sites->listing->random;
  uint64_t state = sites->listing->seed;
  struct reader reader = {.length = 0};

  os_text_open(&reader.text);
  for (uint32_t i = 0; i < sites->listing->function_count; i++) {
    const struct code_range *range = &sites->ranges[i];

    for (uintptr_t at = range->start, next; !is_over(range, at); at = next) {
      next = next_site(sites, &reader, range, at);
      /* Each is taken with the chance that leaves every choice of so many equally likely. */
      if (sites->listing->random && number_by_chance(&state) % left-- >= wanted)
        continue;
      wanted -= sites->listing->random != 0;
      visit(data, i, at);
    }
  }
  os_text_close(&reader.text);
}
