// The threads that are parked in the zygote (threads.h), as their signal handler and the code after a clone find them:
// neither may allocate or lock.
#pragma once

#include <linux/futex.h>
#include <stddef.h>
#include <sys/types.h>

#include <atomic>

#include "thread_context.h"

namespace nodespawner {

constexpr size_t kMaxThreads = 256;
constexpr size_t kNone = kMaxThreads;

// The arguments of a futex(2) that waits without a timeout.
struct FutexWait {
  const int* word;  // nullptr: it waits in another way
  long operation, value, bitset;
};

// Whether it is there in a child, or is started later.
enum class Start : int { kLater, kBegun, kDone };

struct ParkedThread {
  void* thread_pointer;
  int* libc_tid;
  void* robust_list;
  size_t robust_list_size;
  ThreadContext context;
  FutexWait wait;
  const void* condition;  // that it waits on, as far as is known
  int epoll_fd;           // on which it waits without a timeout; -1: it doesn't
  // Of those that wait for the same, each is started by the one before, when that has something to do.
  size_t next;
  std::atomic<Start> start;
  pid_t tid;
  std::atomic<int> parked;  // 1 while it is, which is also what it waits on
  char name[16];
  bool is_first;              // of those; unlike `start`, it stays as it is while others are started
  bool is_late;               // started by who wakes it
  bool is_kept_from_sigchld;  // by us, since it was released
};

extern ParkedThread g_threads[kMaxThreads];
extern std::atomic<size_t> g_thread_count;

// Beyond what pid_max of proc(5) can be, and positive: other threads libc takes for ended.
constexpr pid_t kNoTid = FUTEX_TID_MASK;

// libc signals all threads that it knows by these ids, again until each has answered (setuid(2)). A child has not all
// of them, but may have others with the same ids. One that is started gets an id of its own.
inline void ForgetTid(int* libc_tid, pid_t tid) {
  if (*libc_tid == tid) *libc_tid = kNoTid;
}

}  // namespace nodespawner
