/* ThreadSanitizer's runtime has a thread that blocks every signal, beside which no trap may be written. It only saves memory, and
 * the runtime ends it for programs that are about to shut themselves in. It begins with the program's first thread, and again in
 * each child: so the one here is made to begin, and each is ended. */
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

struct arguments {                     /* __sanitizer_sandbox_arguments of <sanitizer/common_interface_defs.h> */
  int coverage_sandboxed;
  long coverage_fd;
  unsigned int coverage_max_block_size;
};
void __sanitizer_sandbox_on_notify(struct arguments *arguments);
pid_t __real_fork(void);
pid_t __wrap_fork(void);

static void end_thread(void)
{
  struct arguments none = {0, -1, 0};

  __sanitizer_sandbox_on_notify(&none);
}

static void *do_nothing(void *unused)
{
  return unused;
}

static __attribute__((constructor)) void have_no_thread(void)
{
  pthread_t first;

  if (pthread_create(&first, NULL, do_nothing, NULL) == 0)
    pthread_join(first, NULL);
  end_thread();
}

pid_t __wrap_fork(void)
{
  pid_t child = __real_fork();

  if (child == 0)
    end_thread();
  return child;
}
