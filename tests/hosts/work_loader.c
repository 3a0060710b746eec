/* The dynamic loader: libraries that come late, their storage, names, what fails. */
#define _GNU_SOURCE
#include "work.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static void *call_late(void *function)
{
  return (void *)(intptr_t)((long (*)(long))function)(1);
}

static long use_library(int flags)
{
  void *library = dlopen(LATE_LIBRARY, flags), *function = library ? dlsym(library, "late_sum") : NULL, *result = NULL;
  pthread_t thread;
  long sum;

  if (!function)
    return 1;
  sum = (long)(intptr_t)call_late(function);      /* its thread-local storage is made now, its calls are bound now */
  if (pthread_create(&thread, NULL, call_late, function) == 0)
    pthread_join(thread, &result);
  sum = sum * 100 + (long)(intptr_t)result + (dlsym(library, "no_such_name") == NULL ? 10000 : 0);
  dlclose(library);
  return sum;
}

long work_libraries(void)
{
  return use_library(RTLD_LAZY) * 1000 + use_library(RTLD_NOW) % 1000;
}

long work_missing_library(void)
{
  void *library = dlopen("/no/such/library.so", RTLD_NOW);
  const char *error = dlerror();

  return library == NULL && error && strstr(error, "no/such") != NULL;
}

static int count_module(struct dl_phdr_info *info, size_t size, void *data)
{
  (void)size;
  *(long *)data += info->dlpi_phnum > 0;
  return 0;
}

long work_modules(void)
{
  long modules = 0;
  Dl_info info;

  dl_iterate_phdr(count_module, &modules);
  return modules * 10 + (dladdr((void *)(uintptr_t)dl_iterate_phdr, &info) != 0 && strcmp(info.dli_sname, "dl_iterate_phdr") == 0);
}
