/* clone(2) of a whole process, with a pidfd if `pidfd` is not NULL. Not libc's, which knows no CLONE_PIDFD. */
#pragma once

#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static inline pid_t clone_process(unsigned long flags, int *pidfd) {
  if (pidfd) flags |= CLONE_PIDFD;
#if defined(__x86_64__)
  return (pid_t)syscall(SYS_clone, flags, NULL, pidfd, NULL, 0);
#else
  return (pid_t)syscall(SYS_clone, flags, NULL, pidfd, 0, NULL);
#endif
}
