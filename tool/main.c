/* sighook: the command. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "count.h"

static const char usage[] = "usage: sighook VERB [OPTION...] [--] COMMAND [ARG...]\n"
                            "  count   how often functions are called\n"
                            "  list    what would stand at functions, and why\n"
                            "  --version, --help\n"
                            "try: sighook VERB --help\n";

static const char *const later[] = {"trace", "record", "report", "patch", "doctor"};

/* A descriptor that we open must not become a standard one by accident: what we print would go there. */
static void reserve_standard_descriptors(void)
{
  int descriptor;

  do
    descriptor = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor >= 0)
    close(descriptor);
}

static int is_not_a_verb(int argc, char **argv)
{
  fprintf(stderr, "sighook: '%s' is not a verb\n  try: sighook count", argv[1]);
  for (int i = 1; i < argc; i++)
    fprintf(stderr, " %s", argv[i]);
  fputc('\n', stderr);
  return OWN_FAILURE;
}

int main(int argc, char **argv)
{
  reserve_standard_descriptors();
  if (argc < 2) {
    fputs(usage, stderr);
    return OWN_FAILURE;
  }
  if (strcmp(argv[1], "count") == 0)
    return count_main(argc - 1, argv + 1);
  if (strcmp(argv[1], "list") == 0)
    return list_main(argc - 1, argv + 1);
  if (strcmp(argv[1], "--version") == 0) {
    printf("sighook %s\n", SIGHOOK_VERSION);
    return 0;
  }
  if (strcmp(argv[1], "--help") == 0) {
    fputs(usage, stdout);
    return 0;
  }
  for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
    if (strcmp(argv[1], later[i]) == 0) {
      fprintf(stderr, "sighook: '%s' is not there yet in version %s\n", argv[1], SIGHOOK_VERSION);
      return OWN_FAILURE;
    }
  return is_not_a_verb(argc, argv);
}
