/* Whether somebody traces this process, as /proc/self/status says. */
#include <fcntl.h>
#include "os/linux/own.h"
#include "os/threads.h"
#include "raw_syscall.h"

bool os_traced(void)
{
  static const char field[] = "TracerPid:\t";
  char text[1024];
  long descriptor = own_open("status", O_RDONLY);
  long length;

  if (descriptor < 0)
    return false;
  length = host_syscall3(SYS_read, descriptor, text, sizeof text);
  host_syscall1(SYS_close, descriptor);
  for (long i = 0; i + (long)sizeof field <= length; i++) {
    unsigned matched = 0;

    while (matched < sizeof field - 1 && text[i + matched] == field[matched])
      matched++;
    if (matched == sizeof field - 1)
      return text[i + matched] != '0';
  }
  return false;
}
