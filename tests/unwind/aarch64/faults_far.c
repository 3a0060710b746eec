/* For faults_test.c, linked with what takes all memory near: every stub is far. */
#include <stdlib.h>

void faults_prepare(void);
extern const int stubs_are_far;

void faults_prepare(void)
{
  if (!stubs_are_far)
    abort();
}
