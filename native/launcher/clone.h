/* clone(2) of a whole process: neither libc's, which knows no CLONE_PIDFD, nor its fork(), which runs atfork handlers
 * (libuv's among them) and returns the stacks of all other threads to its cache, while the zygote's threads are about
 * to be started again. */
#pragma once

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif

/* struct clone_args of clone3(2), which older headers don't have, or not all of. */
struct clone3_arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* pidfd: with CLONE_PIDFD. child_tid: with CLONE_CHILD_SETTID, where the kernel keeps the id of the new main thread. */
static inline pid_t clone_process(unsigned long flags, int *pidfd, pid_t *child_tid) {
#if defined(__x86_64__)
  return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, pidfd, child_tid, 0);
#elif defined(__aarch64__)
  return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, pidfd, 0, child_tid);
#else
#error "nodespawner runs on x86-64 and aarch64"
#endif
}

/* Born into the control group of version 2 that this is the directory of, or into that of its parent if it is -1. To
 * move a process there afterwards, the kernel keeps all forks and exits of the machine waiting, for as long as it takes
 * to get a lock that is seldom asked for (cgroup_procs_write_start() in kernel/cgroup/cgroup.c).
 *
 * Filters of system calls refuse clone3(2), whose flags they can't see: then, and where it is for the kernel to say who
 * may enter, the child is born where its parent is, and *group -1: it has to enter the group by itself. */
static inline pid_t clone_process_into(int *group, unsigned long flags, int *pidfd, pid_t *child_tid) {
  if (*group < 0) return clone_process(flags, pidfd, child_tid);
  const uint64_t into_cgroup = 0x200000000;
  struct clone3_arguments arguments;
  memset(&arguments, 0, sizeof arguments);
  arguments.flags = flags | into_cgroup;
  arguments.pidfd = (uintptr_t)pidfd;
  arguments.child_tid = (uintptr_t)child_tid;
  arguments.exit_signal = SIGCHLD;
  arguments.cgroup = (uint64_t)*group;
  const pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid >= 0 || (errno != ENOSYS && errno != EPERM && errno != EACCES)) return pid;
  *group = -1;
  return clone_process(flags, pidfd, child_tid);
}
