/* .dynsym by way of the dynamic section (System V gABI, chapter 5; the GNU hash table as binutils writes it). */
#include "resolve/exports.h"

#include <elf.h>
#include "os/memory.h"

/* From `address` to the end of the readable segment that holds it. */
static struct bytes readable_from(const struct os_module *module, uintptr_t address)
{
  const struct os_segment *segment = os_module_segment(module, address, OS_READ);

  return segment ? (struct bytes){(const uint8_t *)(address + module->shift), segment->end - address} : (struct bytes){0};
}

static bool read_at(const struct bytes *bytes, size_t offset, void *value, size_t size)
{
  if (offset > bytes->size || bytes->size - offset < size)
    return false;
  for (size_t i = 0; i < size; i++)
    ((uint8_t *)value)[i] = bytes->at[offset + i];
  return true;
}

static uint32_t word_at(const struct bytes *bytes, size_t index)
{
  uint32_t word;

  return read_at(bytes, index * sizeof word, &word, sizeof word) ? word : 0;
}

/* glibc adds the load bias to the section's pointers in place; musl, and everyone for the vDSO, leaves them alone. */
static struct bytes table_at(const struct os_module *module, uint64_t pointer)
{
  bool is_absolute = pointer >= module->low && pointer < module->high;

  return readable_from(module, is_absolute ? pointer : pointer + module->base);
}

enum {
  GNU_HEADER_WORDS = 4
}; /* bucket count, first symbol, Bloom filter's size and shift */

static size_t gnu_bucket_word(const struct bytes *hash)
{
  return GNU_HEADER_WORDS + (size_t)word_at(hash, 2) * (sizeof(Elf64_Addr) / 4);
}

/* The GNU table does not say how many symbols there are: the longest chain ends with the last one. */
static size_t count_by_gnu_hash(const struct bytes *hash)
{
  uint32_t buckets = word_at(hash, 0), first = word_at(hash, 1);
  size_t bucket_word = gnu_bucket_word(hash), chains = bucket_word + buckets, last = 0;

  if (hash->size / 4 < chains)
    return 0;
  for (uint32_t i = 0; i < buckets; i++)
    if (word_at(hash, bucket_word + i) > last)
      last = word_at(hash, bucket_word + i);
  if (last < first)
    return first;
  while (chains + last - first < hash->size / 4 && !(word_at(hash, chains + last - first) & 1))
    last++;
  return last + 1;
}

static void note_entry(struct exports *exports, const Elf64_Dyn *entry)
{
  const struct os_module *module = exports->module;

  switch (entry->d_tag) {
  case DT_SYMTAB:
    exports->symbols = table_at(module, entry->d_un.d_ptr);
    break;
  case DT_STRTAB:
    exports->names = table_at(module, entry->d_un.d_ptr);
    break;
  case DT_STRSZ:
    exports->names_size = entry->d_un.d_val;
    break;
  case DT_VERSYM:
    exports->versions = table_at(module, entry->d_un.d_ptr);
    break;
  case DT_GNU_HASH:
    exports->gnu_hash = table_at(module, entry->d_un.d_ptr);
    break;
  case DT_HASH:
    exports->hash = table_at(module, entry->d_un.d_ptr);
    break;
  default:
    break;
  }
}

bool exports_open(const struct os_module *module, struct exports *exports)
{
  struct bytes dynamic = module->dynamic ? readable_from(module, module->dynamic) : (struct bytes){0};
  Elf64_Dyn entry;

  *exports = (struct exports){.module = module};
  for (size_t at = 0; read_at(&dynamic, at, &entry, sizeof entry) && entry.d_tag != DT_NULL; at += sizeof entry)
    note_entry(exports, &entry);
  exports->count = exports->gnu_hash.size ? count_by_gnu_hash(&exports->gnu_hash) : word_at(&exports->hash, 1);
  if (exports->count > exports->symbols.size / sizeof(Elf64_Sym))
    exports->count = exports->symbols.size / sizeof(Elf64_Sym);
  if (exports->names_size > exports->names.size || !exports->names_size ||
      exports->names.at[exports->names_size - 1]) /* so that every name in it ends */
    return false;
  exports->names.size = exports->names_size;
  return exports->count != 0;
}

static enum export_kind kind_of(const struct exports *exports, const Elf64_Sym *symbol, uintptr_t address)
{
  bool is_code = os_module_segment(exports->module, address, OS_EXECUTE) != NULL;

  switch (ELF64_ST_TYPE(symbol->st_info)) {
  case STT_GNU_IFUNC:
    return is_code ? EXPORT_CHOICE : EXPORT_OTHER;
  case STT_FUNC:
  case STT_NOTYPE: /* assembly without .type; linker-made marks such as _edata lie in data */
    return is_code ? EXPORT_FUNCTION : EXPORT_DATA;
  case STT_OBJECT:
    return EXPORT_DATA;
  default:
    return EXPORT_OTHER;
  }
}

bool exports_at(const struct exports *exports, size_t index, struct export *found)
{
  Elf64_Sym symbol;
  uint16_t version = 0;

  if (!read_at(&exports->symbols, index * sizeof symbol, &symbol, sizeof symbol) || symbol.st_shndx == SHN_UNDEF ||
      symbol.st_name >= exports->names.size || ELF64_ST_BIND(symbol.st_info) == STB_LOCAL)
    return false;
  read_at(&exports->versions, index * sizeof version, &version, sizeof version);
  found->name = (const char *)exports->names.at + symbol.st_name;
  found->address = symbol.st_shndx == SHN_ABS ? symbol.st_value : exports->module->base + symbol.st_value;
  found->size = symbol.st_size;
  found->kind = symbol.st_shndx == SHN_ABS ? EXPORT_OTHER : kind_of(exports, &symbol, found->address);
  found->is_superseded = version & 0x8000; /* VERSYM_HIDDEN */
  return *found->name != 0;
}

static bool is_name(const struct exports *exports, const char *there, const char *name)
{
  const char *end = (const char *)exports->names.at + exports->names.size;

  while (there < end && *there == *name && *name) {
    there++;
    name++;
  }
  return there < end && *there == *name;
}

static bool answers(const struct exports *exports, size_t index, const char *name, struct export *found)
{
  return exports_at(exports, index, found) && !found->is_superseded && found->kind != EXPORT_OTHER &&
         is_name(exports, found->name, name);
}

static bool find_by_gnu_hash(const struct exports *exports, const char *name, struct export *found)
{
  const struct bytes *hash = &exports->gnu_hash;
  uint32_t buckets = word_at(hash, 0), first = word_at(hash, 1), wanted = 5381;
  size_t bucket_word = gnu_bucket_word(hash), chains = bucket_word + buckets;

  for (const char *c = name; *c; c++)
    wanted = wanted * 33 + (uint8_t)*c;
  if (!buckets)
    return false;
  for (size_t i = word_at(hash, bucket_word + wanted % buckets); i >= first && i && i < exports->count; i++) {
    uint32_t value = word_at(hash, chains + i - first);

    if ((value | 1) == (wanted | 1) && answers(exports, i, name, found))
      return true;
    if (value & 1)
      return false;
  }
  return false;
}

bool exports_find(const struct exports *exports, const char *name, struct export *found)
{
  if (exports->gnu_hash.size)
    return find_by_gnu_hash(exports, name, found);
  /* Only old and few libraries have DT_HASH alone, so its chains are left aside. */
  for (size_t i = 1; i < exports->count; i++)
    if (answers(exports, i, name, found))
      return true;
  return false;
}
