/* Writing to our own code memory. */
#include "patch/poke.h"

#include "host/host.h"
#include "os/memory.h"
#include "os/text.h"

int poke_idle(struct os_text *text, uintptr_t address, const uint8_t *bytes, size_t length)
{
  size_t page = os_page_size();
  uintptr_t start = page_down(address, page);
  size_t size = page_up(address + length, page) - start;
  int failure;

  if (os_text_writable() && os_text_write(text, address, bytes, length) == 0) {
    host_code_written(address, length);
    return 0;
  }
  failure = os_protect(start, size, OS_READ | OS_WRITE | OS_EXECUTE);
  if (failure)
    return failure;
  for (size_t i = 0; i < length; i++)
    ((volatile uint8_t *)address)[i] = bytes[i];
  host_code_written(address, length);
  return os_protect(start, size, OS_READ | OS_EXECUTE);
}
