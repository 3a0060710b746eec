/* Leaves one case of a program out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static __attribute__((constructor)) void leave_out(void)
{
  cmocka_set_skip_filter(WITHOUT);
}
