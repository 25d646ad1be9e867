// System calls that libc does not wrap on every system that we run on, or whose wrapper does more than the call.
#pragma once

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_io_uring_register
#define SYS_io_uring_register 427
#endif

namespace nodespawner {

inline pid_t sys_gettid() { return static_cast<pid_t>(syscall(SYS_gettid)); }

inline int sys_tgkill(pid_t tgid, pid_t tid, int signal) {
  return static_cast<int>(syscall(SYS_tgkill, tgid, tid, signal));
}

inline int sys_futex_wait(const int* word, int value, const timespec* timeout) {
  return static_cast<int>(syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, timeout, nullptr, 0));
}

inline int sys_futex_wake(const int* word, int count) {
  return static_cast<int>(syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, nullptr, nullptr, 0));
}

inline int sys_close_range(unsigned first, unsigned last) {
  return static_cast<int>(syscall(SYS_close_range, first, last, 0));
}

// A copy of what is mounted at, or lies below, a path, mounted nowhere yet (open_tree(2)).
inline int sys_open_tree(int directory, const char* path) {
  constexpr unsigned kClone = 1;
  return static_cast<int>(syscall(SYS_open_tree, directory, path, kClone | O_CLOEXEC));
}

inline int sys_move_mount(int tree, const char* target) {
  constexpr unsigned kFromEmptyPath = 4;
  return static_cast<int>(syscall(SYS_move_mount, tree, "", AT_FDCWD, target, kFromEmptyPath));
}

inline int sys_pidfd_open(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

inline int sys_pidfd_send_signal(int pidfd, int signal) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

inline int sys_io_uring_register(int ring, unsigned operation, const void* argument, unsigned count) {
  return static_cast<int>(syscall(SYS_io_uring_register, ring, operation, argument, count));
}

// waitid(2) as the kernel has it: libc leaves out what was used.
inline int sys_waitid(idtype_t type, id_t id, siginfo_t* info, int options, rusage* usage) {
  return static_cast<int>(syscall(SYS_waitid, type, id, info, options, usage));
}

inline uint64_t monotonic_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

inline void sleep_us(long us) {
  timespec t = {us / 1000000, (us % 1000000) * 1000};
  nanosleep(&t, nullptr);
}

inline void sleep_ms(long ms) { sleep_us(ms * 1000); }

}  // namespace nodespawner
