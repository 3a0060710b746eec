/* The list of modules. Whether it still holds is asked without the dynamic loader's lock where possible: a thread that
 * holds that lock and hits a site may itself be waiting for ours. The loader's record and the build id at its place
 * tell one module from another that took its addresses; without a build id the loader's own count of arrivals must be
 * asked. */
#include "resolve/modules.h"

#include "os/memory.h"

static struct module *list;
static size_t list_count, list_room;
static uint64_t list_generation, last_serial;
static size_t last_found;

static size_t memory_of(size_t room)
{
  return page_up(room * sizeof *list, os_page_size());
}

static bool count_module(const struct os_module *module, void *count)
{
  (void)module;
  ++*(size_t *)count;
  return false;
}

static bool add_module(const struct os_module *image, void *unused)
{
  struct module *module;
  const uint8_t *build_id = (const uint8_t *)image->build_id;

  (void)unused;
  if (list_count == list_room)
    return true;
  module = &list[list_count++];
  *module = (struct module){.image = *image};
  for (size_t i = 0; i < image->build_id_length; i++)
    module->build_id[i] = build_id[i];
  return false;
}

static bool is_same_module(const struct module *old, const struct module *new)
{
  if (old->identity.object != new->identity.object || old->image.base != new->image.base || old->image.low != new->image.low ||
      old->image.high != new->image.high || old->image.build_id_length != new->image.build_id_length ||
      !new->image.build_id_length)
    return false;
  for (size_t i = 0; i < new->image.build_id_length; i++)
    if (old->build_id[i] != new->build_id[i])
      return false;
  return true;
}

/* Takes over what was known of modules that are still there, and drops the rest. */
static void adopt(struct module *old, size_t old_count)
{
  for (size_t i = 0; i < list_count; i++) {
    struct module *new = &list[i];

    if (os_module_identify(new->image.text, &new->identity) != OS_MODULE_HERE)
      new->identity = (struct os_module_identity){0};
    for (size_t j = 0; j < old_count; j++)
      if (is_same_module(&old[j], new)) {
        new->serial = old[j].serial;
        new->facts = old[j].facts;
        new->facts_read = old[j].facts_read;
        old[j].facts_read = false;
        break;
      }
    if (!new->serial)
      new->serial = ++last_serial;
  }
  for (size_t j = 0; j < old_count; j++)
    if (old[j].facts_read)
      module_facts_free(&old[j].facts);
}

static void refresh(void)
{
  struct module *old = list;
  size_t old_count = list_count, old_room = list_room, count = 0;

  list_generation = os_modules_generation();
  os_modules_each(count_module, &count);
  list_room = count + 4; /* some may come in between; what still does not fit is found at the next call */
  list = os_allocate(memory_of(list_room));
  list_count = last_found = 0;
  if (list)
    os_modules_each(add_module, NULL);
  else
    list_room = 0;
  adopt(old, old_count);
  if (old)
    os_free(old, memory_of(old_room));
}

static struct module *listed(uintptr_t address)
{
  if (last_found < list_count && address >= list[last_found].image.low && address < list[last_found].image.high)
    return &list[last_found];
  for (size_t i = 0; i < list_count; i++)
    if (address >= list[i].image.low && address < list[i].image.high) {
      last_found = i;
      return &list[i];
    }
  return NULL;
}

/* The build id is read only where the loader has mapped the same range: another module, or the same one a page further up, may have
 * left that place unmapped. */
static bool is_current(const struct module *module, const struct os_module_identity *identity)
{
  const uint8_t *there = (const uint8_t *)module->image.build_id;

  if (!identity || !module->image.build_id_length)
    return os_modules_generation() == list_generation;
  if (identity->object != module->identity.object || identity->low != module->identity.low ||
      identity->high != module->identity.high)
    return false;
  for (size_t i = 0; i < module->image.build_id_length; i++)
    if (there[i] != module->build_id[i])
      return false;
  return true;
}

struct module *modules_find(uintptr_t address)
{
  struct os_module_identity identity;
  enum os_module_answer answer = os_module_identify(address, &identity);
  struct module *module;

  if (answer == OS_MODULE_NONE)
    return NULL;
  module = listed(address);
  if (module && is_current(module, answer == OS_MODULE_HERE ? &identity : NULL))
    return module;
  if (!module && answer == OS_MODULE_UNKNOWN && list && os_modules_generation() == list_generation)
    return NULL;
  refresh();
  return listed(address);
}

const struct module_facts *module_facts(struct module *module)
{
  if (!module->facts_read) {
    module_facts_read(&module->image, &module->facts);
    module->facts_read = true;
  }
  return &module->facts;
}

bool module_unwind_table(const struct os_module *image, struct eh_table *table)
{
  const struct os_segment *segment = image->unwind ? os_module_segment(image, image->unwind, OS_READ) : NULL;

  if (segment)
    *table = (struct eh_table){
        .header = image->unwind, .low = segment->start, .high = segment->end, .shift = image->shift};
  return segment != NULL;
}

void modules_forget(void)
{
  list = NULL;
  list_count = list_room = 0;
  list_generation = 0;
}
