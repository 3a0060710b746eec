/* Code of this process, read and written through /proc/self/mem. */
#include "os/text.h"

#include <errno.h>
#include <fcntl.h>
#include "raw_syscall.h"
#include "os/linux/own.h"
#include "os/memory.h"

void os_text_open(struct os_text *text)
{
  text->failure = 0;
  text->descriptor = (int)own_open("mem", O_RDWR);
}

void os_text_close(struct os_text *text)
{
  if (text->descriptor >= 0)
    host_syscall1(SYS_close, text->descriptor);
}

/* Without /proc: the kernel copies between two places of this process and answers EFAULT instead of faulting. */
static long read_by_copy(uintptr_t address, void *buffer, size_t size)
{
  struct {
    void *base;
    size_t length;
  } here = {buffer, size}, there = {(void *)address, size};

  return host_syscall6(SYS_process_vm_readv, own_thread(), (long)&here, 1, (long)&there, 1, 0);
}

/* EIO of the file, and EFAULT, are said of memory that is not there. */
static int refusal(long file, long copy)
{
  return file == -EIO || copy == -EFAULT ? 0 : (int)-file;
}

size_t os_text_read(struct os_text *text, uintptr_t address, void *buffer, size_t size)
{
  size_t done = 0;

  while (done < size) {
    size_t page_rest = os_page_size() - ((address + done) & (os_page_size() - 1));
    size_t part = size - done < page_rest ? size - done : page_rest;
    long count = text->descriptor, file;

    if (count >= 0)
      count = host_syscall4(SYS_pread64, text->descriptor, (char *)buffer + done, part, address + done);
    file = count;
    if (count <= 0)
      count = read_by_copy(address + done, (char *)buffer + done, part);
    if (count <= 0) {
      text->failure = refusal(file, count);
      break;
    }
    done += (size_t)count;
  }
  return done;
}

int os_text_write(struct os_text *text, uintptr_t address, const void *bytes, size_t size)
{
  size_t done = 0;

  if (text->descriptor < 0)
    return EBADF;
  while (done < size) {
    long count = host_syscall4(SYS_pwrite64, text->descriptor, (const char *)bytes + done, size - done, address + done);

    if (count <= 0)
      return count == 0 ? EIO : (int)-count;
    done += (size_t)count;
  }
  return 0;
}

bool os_text_writable(void)
{
  static int answer;        /* 1 yes, -1 no */
  struct os_text text;
  uint8_t *page;

  if (answer)
    return answer > 0;
  page = os_allocate(os_page_size());
  if (!page)
    return false;
  os_protect((uintptr_t)page, os_page_size(), OS_READ | OS_EXECUTE);
  os_text_open(&text);
  if (text.descriptor >= 0)              /* that none is to be had may pass */
    answer = os_text_write(&text, (uintptr_t)page, &(uint8_t){0xCC}, 1) == 0 && *(volatile uint8_t *)page == 0xCC ? 1 : -1;
  os_text_close(&text);
  os_free(page, os_page_size());
  return answer > 0;
}
