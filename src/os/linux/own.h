/* This process's own files in /proc. */
#ifndef OS_LINUX_OWN_H
#define OS_LINUX_OWN_H

/* The thread whose memory the kernel shows as the process's: the first one, or, once that has ended, the one that asks. */
long own_thread(void);

/* The file called that in /proc/self. A descriptor, or -errno. */
long own_open(const char *name, int flags);

#endif
