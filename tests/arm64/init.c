// The first process of the emulated machine. Runs the commands of /commands one by one, each within its time limit, and
// ends the machine with exit status 77 if some passed and none failed. QEMU's own status after a kernel panic is 0, so
// 0 never means passed.
//
// A line of /commands: <name> <seconds> <shell command>. For each, one record goes to the second serial port:
// "<name> <status> <length>\n" and so many bytes of output. Status as a shell has it; 124: out of time.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ALL_PASSED 77
#define SOME_FAILED 1
#define CANNOT_START 3
#define OUT_OF_TIME 124
#define SKIPPED 77

static const char log_path[] = "/tmp/.log";

// Arm's semihosting interface: SYS_EXIT_EXTENDED (0x20) with ADP_Stopped_ApplicationExit.
static _Noreturn void end_machine(unsigned long status)
{
  unsigned long block[2] = {0x20026, status};
  register unsigned long x0 __asm__("x0") = 0x20;
  register unsigned long x1 __asm__("x1") = (unsigned long)block;
  __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
  abort();
}

static void mount_at(const char *type, const char *folder)
{
  mkdir(folder, 0755);
  // devtmpfs may have been mounted by the kernel already.
  if (mount(type, folder, type, 0, NULL) != 0 && errno != EBUSY) {
    printf("init: cannot mount %s at %s: %s\n", type, folder, strerror(errno));
  }
}

static void mount_all(void)
{
  mount_at("proc", "/proc");
  mount_at("sysfs", "/sys");
  mount_at("devtmpfs", "/dev");
  mount_at("tmpfs", "/dev/shm");
  mount_at("devpts", "/dev/pts");
  // Not mounted over: /tmp may hold files of the payload, and all is memory already.
  chmod("/tmp", 01777);
}

static void use_console(void)
{
  int console = open("/dev/console", O_RDWR);
  for (int fd = 0; fd <= 2; fd++) {
    dup2(console, fd);
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
}

static FILE *open_results(void)
{
  FILE *results = fopen("/dev/ttyAMA1", "w");
  struct termios raw;
  // Raw: the terminal would turn \n into \r\n, and lengths would be wrong.
  if (!results || tcgetattr(fileno(results), &raw) != 0) {
    printf("init: no second serial port: %s\n", strerror(errno));
    end_machine(CANNOT_START);
  }
  cfmakeraw(&raw);
  tcsetattr(fileno(results), TCSANOW, &raw);
  return results;
}

static _Noreturn void run_child(const char *command)
{
  int in = open("/dev/null", O_RDONLY);
  int out = open(log_path, O_WRONLY | O_APPEND);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  setsid();
  char *environment[] = {"PATH=/usr/bin:/usr/sbin", "HOME=/tmp", "TERM=dumb", NULL};
  if (chdir("/payload") == 0) {
    execle("/bin/sh", "sh", "-c", command, (char *)NULL, environment);
  }
  perror("init: /bin/sh");
  _exit(127);
}

static struct timespec until(const struct timespec *deadline)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long left_ns = (deadline->tv_sec - now.tv_sec) * 1000000000L + (deadline->tv_nsec - now.tv_nsec);
  left_ns = left_ns > 0 ? left_ns : 0;
  return (struct timespec){left_ns / 1000000000L, left_ns % 1000000000L};
}

// SIGCHLD is blocked. Orphans of the command end here too, hence the loop.
static int wait_for(pid_t child, long seconds)
{
  struct timespec deadline;
  clock_gettime(CLOCK_MONOTONIC, &deadline);
  deadline.tv_sec += seconds;
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  for (;;) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid == child) {
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
    }
    struct timespec left = until(&deadline);
    if (sigtimedwait(&ended, NULL, &left) < 0 && errno == EAGAIN) {
      return OUT_OF_TIME;
    }
  }
}

// All but this process: what a command leaves behind must not disturb the next one.
static void end_leftovers(void)
{
  kill(-1, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0) {
  }
}

static int run_command(const char *command, long seconds)
{
  close(open(log_path, O_CREAT | O_TRUNC | O_WRONLY, 0666));
  pid_t child = fork();
  if (child == 0) {
    run_child(command);
  }
  int status = wait_for(child, seconds);
  end_leftovers();
  return status;
}

static void report(FILE *results, const char *name, int status)
{
  FILE *log = fopen(log_path, "r");
  struct stat facts;
  if (!log || fstat(fileno(log), &facts) != 0) {
    end_machine(CANNOT_START);
  }
  fprintf(results, "%s %d %ld\n", name, status, (long)facts.st_size);
  char bytes[4096];
  size_t length;
  while ((length = fread(bytes, 1, sizeof(bytes), log)) > 0) {
    fwrite(bytes, 1, length, results);
  }
  fclose(log);
  fflush(results);
  tcdrain(fileno(results));
}

static int run_all(FILE *commands, FILE *results)
{
  int passed = 0, failed = 0;
  char line[4096], name[256];
  while (fgets(line, sizeof(line), commands)) {
    long seconds;
    int at = 0;
    if (sscanf(line, "%255s %ld %n", name, &seconds, &at) < 2 || at == 0) {
      printf("init: not a command: %s", line);
      failed++;
      continue;
    }
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    int status = run_command(line + at, seconds);
    clock_gettime(CLOCK_MONOTONIC, &end);
    passed += status == 0;
    failed += status != 0 && status != SKIPPED;
    printf("init: %s: status %d after %ld ms\n", name, status,
           (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000);
    report(results, name, status);
  }
  return passed > 0 && failed == 0 ? ALL_PASSED : SOME_FAILED;
}

int main(void)
{
  mount_all();
  use_console();
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ended, NULL);
  FILE *results = open_results();
  FILE *commands = fopen("/commands", "r");
  if (!commands) {
    printf("init: no /commands\n");
    end_machine(CANNOT_START);
  }
  end_machine((unsigned long)run_all(commands, results));
}
