/* What the kernel itself charges for a process: clone(2) of this small static program, its exit, and waitpid(2).
 *
 *   clone-floor [FLAGS [PAGES]]   FLAGS: of clone(2), in hexadecimal, such as those of namespaces
 *                                 PAGES: how many pages of its parent's each process writes to
 *
 * For each line on stdin: an empty one does it once and prints how many nanoseconds it took; a number does it for as many
 * milliseconds and prints how often, and the nanoseconds. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long flags;
static long pages;
static char *memory;
enum { PAGE = 4096 };

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void clone_once(void) {
  /* Not fork(), which does work of its own in libc. */
  const pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD | flags, 0, 0, 0, 0);
  if (pid == 0) {
    for (long i = 0; i < pages; i++) memory[i * PAGE]++;
    _exit(0);
  }
  int status;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
    perror("clone");
    exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc > 1) flags = strtol(argv[1], 0, 16);
  if (argc > 2) pages = strtol(argv[2], 0, 10);
  /* Namespaces are made in a user namespace, as those of a sandbox are, which whoever is not root can have. */
  if (flags && unshare(CLONE_NEWUSER) != 0) {
    perror("unshare(CLONE_NEWUSER)");
    return 1;
  }
  if (pages) {
    /* Single pages, as those of a heap that has grown piece by piece. */
    memory = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || madvise(memory, pages * PAGE, MADV_NOHUGEPAGE) != 0) {
      perror("mmap");
      return 1;
    }
    for (long i = 0; i < pages; i++) memory[i * PAGE] = 1;
  }
  char line[32];
  while (fgets(line, sizeof line, stdin)) {
    const long long duration = strtoll(line, 0, 10) * 1000000LL, start = now();
    long long count = 0;
    do {
      clone_once();
      count++;
    } while (now() - start < duration);
    printf("%lld %lld\n", count, now() - start);
    fflush(stdout);
  }
  return 0;
}
