/* How a process gets into the control group of a child (cgroups(7)). A group is handed over as what it is entered by:
 * in version 1 its file for threads, in version 2 its directory, into which a process can also be born. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

static inline int can_be_born_into(int entrance) {
  struct stat status;
  return fstat(entrance, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The first of these into which a process can be born, or -1. */
static inline int birthplace(const int *entrances, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (can_be_born_into(entrances[i])) return entrances[i];
  }
  return -1;
}

/* Moves the calling process, which has one thread. Returns 0, or -1 with errno. */
static inline int enter_group(int entrance) {
  if (!can_be_born_into(entrance)) return write(entrance, "0", 1) == 1 ? 0 : -1;
  const int fd = openat(entrance, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const int entered = write(fd, "0", 1) == 1;
  const int error = errno;
  close(fd);
  errno = error;
  return entered ? 0 : -1;
}

/* All of them, but the one that it was born into (-1: none). */
static inline int enter_groups(const int *entrances, size_t count, int born_into) {
  for (size_t i = 0; i < count; i++) {
    if (entrances[i] != born_into && enter_group(entrances[i]) != 0) return -1;
  }
  return 0;
}
