/* Writing to our own code memory. */
#include "patch/poke.h"

#include <errno.h>
#include "host/host.h"
#include "host/store.h"
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
  return os_protect_again(start, size, OS_READ | OS_EXECUTE);
}

int poke_live(uintptr_t address, const uint8_t *bytes, size_t length)
{
  uint8_t before[sizeof(uint64_t)];
  uintptr_t start = page_down(address, os_page_size());
  size_t size = page_up(address + length, os_page_size()) - start;
  int failure;

  if (length > sizeof before || !host_store_fits(address, length))
    return EINVAL;
  failure = os_protect(start, size, OS_READ | OS_WRITE | OS_EXECUTE);
  if (failure)
    return failure;
  for (size_t i = 0; i < length; i++)
    before[i] = ((const volatile uint8_t *)address)[i];
  host_store(address, before, bytes, length);
  host_code_written(address, length);
  return os_protect_again(start, size, OS_READ | OS_EXECUTE);
}
