/* Names to addresses, against the dynamic loader's answers. */
#include "test_codemap_support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "resolve/exports.h"
#include "resolve/symbols.h"
#include "test_codemap_machine.h"

static uintptr_t resolved(const char *name)
{
  struct error error = {.message = ""};
  uintptr_t address = 0;
  sighook_status status = symbols_resolve(name, &address, &error);

  if (status)
    fail_msg("%s: %s", name, error.message);
  return address;
}

static struct error refused(const char *name, sighook_status expected)
{
  struct error error = {.message = ""};
  uintptr_t address = 77;
  sighook_status status = symbols_resolve(name, &address, &error);

  if (status != expected || status != error.status)
    fail_msg("%s: status %d, error %d, expected %d", name, status, error.status, expected);
  assert_int_equal(address, 77);
  return error;
}

static void names_with_and_without_a_module(void **state)
{
  uintptr_t libc_malloc = (uintptr_t)dlsym(dlopen("libc.so.6", RTLD_NOLOAD | RTLD_LAZY), "calloc");
  static const char *const names[] = {"libc.so.6!calloc", "libc!calloc", "calloc@libc.so.6", "calloc@libc",
                                      "libc.so!calloc"};
  struct os_module libc = module_called("libc.so.6");
  char name[512];

  (void)state;
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    assert_int_equal(resolved(names[i]), libc_malloc);
  snprintf(name, sizeof name, "%s!calloc", libc.path);
  assert_int_equal(resolved(name), libc_malloc);
  assert_int_equal(resolved("qsort"), (uintptr_t)dlsym(RTLD_DEFAULT, "qsort"));
  assert_int_equal(resolved("libc!calloc+0x10"), libc_malloc + 16);
  assert_int_equal(resolved("qsort+3"), (uintptr_t)dlsym(RTLD_DEFAULT, "qsort") + 3);
  assert_int_equal(resolved("libc.so.6+0x1234"), libc.base + 0x1234);
  assert_int_equal(resolved("0x1234abcd"), 0x1234abcd);
}

__attribute__((visibility("default"))) int test_codemap_own_function(void)
{
  return 7;
}

static void the_program_is_called_by_its_file_name(void **state)
{
  (void)state;
  assert_int_equal(resolved("unit_codemap_symbols!test_codemap_own_function"), (uintptr_t)test_codemap_own_function);
  assert_int_equal(resolved("test_codemap_own_function"), (uintptr_t)test_codemap_own_function);
  assert_int_equal(resolved("unit_codemap_symbols+0x40"), module_called("").base + 0x40);
}

static void a_plus_in_a_file_name_is_no_offset(void **state)
{
  void *library = dlopen("libstdc++.so.6", RTLD_LAZY);
  uintptr_t found;

  (void)state;
  if (!library)
    skip();
  found = (uintptr_t)dlsym(library, "__cxa_throw");
  assert_int_equal(resolved("libstdc++.so.6!__cxa_throw"), found);
  assert_int_equal(resolved("libstdc++!__cxa_throw+0x8"), found + 8);
  assert_int_equal(resolved("__cxa_throw@libstdc++"), found);
  assert_int_equal(resolved("libstdc++.so.6+0x40"),
                   module_called(strrchr(module_called("libstdc++.so.6").path, '/')).base + 0x40);
}

static void versions_are_asked_by_name(void **state)
{
  (void)state;
  assert_int_equal(resolved(VERSIONED "@" VERSION_NOW), (uintptr_t)dlvsym(RTLD_DEFAULT, VERSIONED, VERSION_NOW));
  assert_int_equal(resolved(VERSIONED "@@" VERSION_NOW), resolved(VERSIONED));
  assert_int_equal(resolved(VERSIONED "@" VERSION_OLD), (uintptr_t)dlvsym(RTLD_DEFAULT, VERSIONED, VERSION_OLD));
}

/* Every exported function of libc, IFUNCs and superseded versions included. */
static void every_function_of_libc_is_what_the_loader_says(void **state)
{
  struct os_module libc = module_called("libc.so.6");
  void *handle = dlopen("libc.so.6", RTLD_NOLOAD | RTLD_LAZY);
  struct exports exports;
  struct export export;
  size_t functions = 0, choices = 0;

  (void)state;
  assert_true(exports_open(&libc, &exports));
  for (size_t i = 0; i < exports.count; i++) {
    char name[512];

    if (!exports_at(&exports, i, &export) || export.is_superseded || export.kind == EXPORT_DATA ||
        export.kind == EXPORT_OTHER)
      continue;
    snprintf(name, sizeof name, "libc.so.6!%s", export.name);
    if (resolved(name) != (uintptr_t)dlsym(handle, export.name))
      fail_msg("%s: %#lx, and the loader says %p", name, resolved(name), dlsym(handle, export.name));
    functions++;
    choices += export.kind == EXPORT_CHOICE;
  }
  print_message("%zu functions, of which %zu are chosen at run time\n", functions, choices);
  assert_true(functions > 2000 && choices > LIBC_CHOICES_MIN);
}

/* readelf counts as many as we do. */
static void all_exports_are_listed(void **state)
{
  struct os_module libc = module_called("libc.so.6");
  struct numbers listed =
      numbers_of(READELF " -W --dyn-syms %s | awk '$4 ~ /^(FUNC|IFUNC)$/ && $7 != \"UND\" {print $2}'", file_of(&libc));
  struct exports exports;
  struct export export;
  size_t count = 0;

  (void)state;
  assert_true(exports_open(&libc, &exports));
  for (size_t i = 0; i < exports.count; i++)
    if (exports_at(&exports, i, &export) && (export.kind == EXPORT_FUNCTION || export.kind == EXPORT_CHOICE)) {
      bool exact;

      numbers_find(&listed, export.address - libc.base, &exact);
      assert_true(exact);
      count++;
    }
  assert_int_equal(count, listed.count);
  numbers_free(&listed);
}

static void a_module_answers_for_itself_only(void **state)
{
  (void)state;
  assert_non_null(dlopen(CODE_LIBRARY, RTLD_NOW));
  assert_int_not_equal(resolved("codemap_code!without_unwind"), 0);
  refused("codemap_code!malloc", SIGHOOK_NOT_FOUND);
  refused("libc!without_unwind", SIGHOOK_NOT_FOUND);
}

static void unknown_names_are_answered_with_their_neighbours(void **state)
{
  (void)state;
  assert_non_null(strstr(refused("mallco", SIGHOOK_NOT_FOUND).message, "malloc"));
  assert_non_null(strstr(refused("libc!pthread_creat", SIGHOOK_NOT_FOUND).message, "pthread_create"));
  assert_non_null(strstr(refused("libnothing!malloc", SIGHOOK_NOT_FOUND).message, "no module called libnothing"));
  assert_null(strstr(refused("zzzzqqqqzzzzqqqq", SIGHOOK_NOT_FOUND).message, "near it"));
  assert_non_null(strstr(refused("libc.so.6+0x7fffffff", SIGHOOK_NOT_FOUND).message, "beyond the module"));
  refused("libnothing.so+0x10", SIGHOOK_NOT_FOUND);
  refused("malloc@NOTHING_1.0", SIGHOOK_NOT_FOUND);
  refused("libc!", SIGHOOK_NOT_FOUND);
  refused("!malloc", SIGHOOK_NOT_FOUND);
  refused("libc!errno", SIGHOOK_NOT_FOUND); /* thread-local */
}

static void what_is_no_name_is_refused(void **state)
{
  char *name = malloc(5000);

  (void)state;
  refused("", SIGHOOK_BAD_ARGUMENT);
  refused("+0x10", SIGHOOK_BAD_ARGUMENT);
  memset(name, 'x', 4999);
  name[4999] = 0;
  refused(name, SIGHOOK_BAD_ARGUMENT);
  refused("main.c:42", SIGHOOK_UNSUPPORTED);
  refused("std::sort", SIGHOOK_NOT_FOUND);
  free(name);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_with_and_without_a_module),
      cmocka_unit_test(the_program_is_called_by_its_file_name),
      cmocka_unit_test(a_plus_in_a_file_name_is_no_offset),
      cmocka_unit_test(versions_are_asked_by_name),
      cmocka_unit_test(every_function_of_libc_is_what_the_loader_says),
      cmocka_unit_test(all_exports_are_listed),
      cmocka_unit_test(a_module_answers_for_itself_only),
      cmocka_unit_test(unknown_names_are_answered_with_their_neighbours),
      cmocka_unit_test(what_is_no_name_is_refused),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
