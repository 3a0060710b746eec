/* Preloaded into an unmodified Python, whose script defines `job` and then asks for its parent's id: the interpreter's functions
 * are stepped through and hooked while it calls `job`, and the bytes that this returns are compared. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>
#include "sink.h"
#include "truth.h"

/* The interpreter's, declared here since it has no headers among the packages. */
void *PyImport_AddModule(const char *);
void *PyObject_GetAttrString(void *, const char *);
void *PyObject_CallNoArgs(void *);
char *PyBytes_AsString(void *);
ptrdiff_t PyBytes_Size(void *);
void Py_DecRef(void *);
void PyErr_Print(void);

/* Where the interpreter is no library of its own, it is the program. */
static struct library libraries[] = {{.name = "libpython3"}, {.name = "libc.so"}, {.name = "libm.so"}};
static void *job;

/* An exception leaves the sink empty, which is noticed. */
static unsigned long job_loop(void)
{
  void *bytes = PyObject_CallNoArgs(job);
  unsigned long digest = 0;

  if (!bytes) {
    PyErr_Print();
    return 0;
  }
  digest = emit(0, PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes));
  Py_DecRef(bytes);
  return digest;
}

static int start(void **state)
{
  struct library probe = libraries[0];

  (void)state;
  job = PyObject_GetAttrString(PyImport_AddModule("__main__"), "job");
  if (!library_find(&probe))
    libraries[0].name = "";
  return !job || !truth_start(libraries, sizeof libraries / sizeof *libraries);
}

pid_t getppid(void)
{
  const struct CMUnitTest tests[] = {TRUTH_TEST(loop, job_loop, JOB_LARGE)};
  int failed = cmocka_run_group_tests(tests, start, NULL);

  fflush(NULL);
  _exit(failed);
}
