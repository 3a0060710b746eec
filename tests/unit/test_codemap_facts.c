/* Facts of modules: against readelf, and from files and tables that are broken, where the sanitizers watch. */
#include "test_codemap_support.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "os/memory.h"
#include "resolve/exports.h"
#include "resolve/module_facts.h"
#include "resolve/near.h"
#include "test_codemap_machine.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static void functions_are_those_that_readelf_lists(void **state)
{
  struct os_module libc = module_called("libc.so.6");
  struct numbers listed = numbers_of(
      READELF " -W --dyn-syms %s | awk '$4 ~ /^(FUNC|IFUNC)$/ && $7 != \"UND\" {printf \"%%s %%x\\n\", $2, $3}'",
      file_of(&libc));
  struct module_facts facts;

  (void)state;
  module_facts_read(&libc, &facts);
  assert_int_equal(facts.function_count, listed.count);
  for (size_t i = 0; i < listed.count; i++) {
    uintptr_t address = libc.base + listed.first[i], start, end;
    bool exact;
    size_t next = numbers_find(&listed, listed.first[i] + 1, &exact);

    assert_int_equal(libc.low + facts.functions[i].start, address);
    assert_int_equal(module_facts_next(&facts, &libc, address),
                     next < listed.count ? libc.base + listed.first[next] : UINTPTR_MAX);
    if (!listed.second[i])
      continue;
    assert_true(module_facts_function(&facts, &libc, address, &start, &end));
    assert_int_equal(start, address);
    assert_true(end > address);
  }
  assert_int_equal(module_facts_next(&facts, &libc, libc.low), libc.base + listed.first[0]);
  module_facts_free(&facts);
  assert_int_equal(facts.function_count, 0);
  numbers_free(&listed);
}

/* Every module of this program is described: segments apart, the tables inside them. */
static bool check_description(const struct os_module *module, void *count)
{
  struct os_module_identity identity;

  assert_true(module->segment_count > 0 && module->low < module->high);
  assert_true(module->text >= module->low && module->text < module->text_end && module->text_end <= module->high);
  assert_non_null(os_module_segment(module, module->text, OS_EXECUTE));
  assert_null(os_module_segment(module, module->high, 0));
  assert_non_null(os_module_segment(module, module->unwind, OS_READ));
  assert_non_null(os_module_segment(module, module->dynamic, OS_READ));
  assert_true(module->is_kernel == (strstr(module->path, "vdso") != NULL));
  assert_false(module->is_static);
  assert_true(module->build_id_length == 0 || os_module_segment(module, module->build_id, OS_READ));
  if (os_module_identify(module->text, &identity) != OS_MODULE_UNKNOWN)
    assert_true(identity.low <= module->low && identity.high >= (LINKER_LEAVES_HOLES ? module->text_end : module->high));
  ++*(size_t *)count;
  return false;
}

static void every_module_is_described(void **state)
{
  struct os_module_identity identity;
  size_t count = 0;
  uint64_t before = os_modules_generation();
  int on_stack;

  (void)state;
  os_modules_each(check_description, &count);
  assert_true(count >= 4);
  assert_int_not_equal(os_module_identify((uintptr_t)&on_stack, &identity), OS_MODULE_HERE);
  dlclose(dlopen(RELOAD_FIRST, RTLD_NOW));
  assert_int_not_equal(os_modules_generation(), before);
  assert_int_equal(module_called("libc.so.6").build_id_length, 20);
}

static void *read_file(const char *path, size_t *size)
{
  FILE *file = fopen(path, "rb");
  void *bytes;

  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  bytes = malloc(*size);
  assert_int_equal(fread(bytes, 1, *size, file), *size);
  fclose(file);
  return bytes;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
  int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, bytes, size), (ssize_t)size);
  close(descriptor);
}

/* Changes some bytes, most of them where sizes and offsets stand. */
static void damage(uint8_t *bytes, size_t size, size_t headers)
{
  static const uint8_t values[] = {0, 1, 0x7F, 0x80, 0xFF};

  for (uint64_t changes = 1 + next_random() % 8; changes > 0; changes--) {
    size_t at = next_random() % 4 ? next_random() % 0x400 : headers + next_random() % (size - headers);

    bytes[at < size ? at : size - 1] = values[next_random() % sizeof values];
  }
}

static size_t break_files(const char *library, const char *path)
{
  enum {
    ROUNDS = 500
  };
  struct os_module module;
  uint8_t *original, *copy;
  size_t size, headers, zones = 0;

  assert_non_null(dlopen(library, RTLD_NOW));
  module = module_called(strrchr(library, '/'));
  original = read_file(module.path, &size);
  memcpy(&headers, original + 0x28, sizeof headers); /* e_shoff */
  copy = malloc(size);
  snprintf(module.path, sizeof module.path, "%s", path);
  for (unsigned round = 0; round < ROUNDS; round++) {
    struct module_facts facts;
    size_t length =
        round % 2 ? size & ~(size_t)4095 : 1 + next_random() % size; /* at a page's end a fault would show */

    memcpy(copy, original, size);
    if (round)
      damage(copy, size, headers);
    write_file(path, copy, round && round % 3 ? length : size);
    module_facts_read(&module, &facts);
    assert_true(round > 0 || facts.zone_count >= 3);
    assert_true(facts.function_count > 10);
    zones += facts.zone_count;
    module_facts_free(&facts);
  }
  free(original);
  free(copy);
  return zones;
}

static void broken_files_are_read_inside_their_bounds_only(void **state)
{
  char path[] = "/tmp/libc.codemap_XXXXXX";
  size_t zones;

  (void)state;
  close(mkstemp(path));
  zones = break_files(STRIPPED_LIBRARY, path) + break_files(LIBC_LIBRARY, path);
  print_message("%zu zones found in what was left\n", zones);
  unlink(path);
  assert_true(zones > 100);
}

/* A module in a block of exactly its size. */
static void broken_exports_are_read_inside_their_bounds_only(void **state)
{
  enum {
    ROUNDS = 4000
  };
  struct os_module module = module_called("libc.codemap.so"), moved = module;
  size_t size = module.high - module.low, found_count = 0;

  (void)state;
  for (unsigned i = 0; i < module.segment_count; i++)
    assert_int_not_equal(module.segments[i].protection & OS_READ, 0);
  for (unsigned round = 0; round < ROUNDS; round++) {
    uint8_t *copy = calloc(1, size);
    intptr_t delta = (intptr_t)((uintptr_t)copy - module.low);
    struct exports exports;
    struct export export;

    for (unsigned i = 0; i < module.segment_count; i++)
      memcpy(copy + (module.segments[i].start - module.low), (void *)module.segments[i].start,
             module.segments[i].end - module.segments[i].start);
    moved.low = (uintptr_t)copy;
    moved.high = moved.low + size;
    moved.base = module.base + (uintptr_t)delta;
    moved.dynamic = module.dynamic + (uintptr_t)delta;
    moved.segment_count = 1;
    moved.segments[0] = (struct os_segment){moved.low, moved.high, OS_READ | OS_EXECUTE};
    /* glibc has made these absolute, and the copy is elsewhere */
    for (uint64_t *entry = (uint64_t *)moved.dynamic; entry[0]; entry += 2)
      if (entry[1] >= module.low && entry[1] < module.high)
        entry[1] += (uintptr_t)delta;
    if (round)
      damage(copy, size, next_random() % 2 ? module.dynamic - module.low : 0);
    if (exports_open(&moved, &exports)) {
      struct near near;

      near_start(&near, "restartable_star");
      for (size_t i = 0; i < exports.count; i++)
        if (exports_at(&exports, i, &export))
          near_offer(&near, export.name);
      found_count += exports_find(&exports, "restartable", &export);
      exports_find(&exports, "cancellable", &export);
    }
    assert_true(round > 0 || found_count == 1);
    free(copy);
  }
  print_message("%zu of %u still answered\n", found_count, ROUNDS);
  assert_true(found_count > ROUNDS / 10 && found_count < ROUNDS);
}

static void the_nearest_names_come_first(void **state)
{
  static const char *const names[] = {"calloc",  "mallopt",  "malloc", "free",
                                      "realloc", "mallinfo", "malloc", "mallocs"};
  struct near near;
  char text[160], small[12];

  (void)state;
  near_start(&near, "mallco");
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    near_offer(&near, names[i]);
  near_print(&near, text, sizeof text);
  assert_string_equal(text, "; near it: malloc, calloc, mallocs");
  near_print(&near, small, sizeof small);
  assert_int_equal(strlen(small), sizeof small - 1);
  near_start(&near, "x");
  near_offer(&near, "free");
  near_print(&near, text, sizeof text);
  assert_string_equal(text, "");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_are_those_that_readelf_lists),
      cmocka_unit_test(every_module_is_described),
      cmocka_unit_test(broken_files_are_read_inside_their_bounds_only),
      cmocka_unit_test(broken_exports_are_read_inside_their_bounds_only),
      cmocka_unit_test(the_nearest_names_come_first),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
