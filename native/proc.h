// What /proc tells about this process. Not for a child before it has taken stock of its memory: it allocates.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace nodespawner {

// A line of /proc/self/maps (proc_pid_maps(5)).
struct Mapping {
  uintptr_t start, end;
  bool readable, writable, executable;
  std::string path;  // empty for anonymous memory
};
std::vector<Mapping> ReadMappings();

// The mappings on which madvise(MADV_DOFORK) fails, ascending: those with the VmFlags io, de, pf or mm of
// proc_pid_smaps(5). Nothing where smaps can't be read.
std::optional<std::vector<Mapping>> ReadSpecialMappings();

// Private anonymous memory that can be read and written, and of which the kernel was told nothing out of the ordinary:
// not by madvise(2), mlock(2) or pkey_mprotect(2). The heap is one; the main thread's stack is none, and before Linux
// 6.7 those of others are.
struct Memory {
  uintptr_t start, end;
  size_t resident;  // bytes
};
std::vector<Memory> ReadOrdinaryMemory();

// The entries of /proc/self/task: ids in the PID namespace of the mounted /proc, which need not be ours.
std::vector<pid_t> ReadThreadIds();

// What a thread is doing, from /proc/self/task/TID/{comm,syscall,status}.
struct ThreadState {
  pid_t listed_tid = 0;  // as in ReadThreadIds()
  pid_t tid = 0;         // as gettid(2) returns it in the thread
  std::string name;
  bool in_system_call = false;
  long number = -1;       // of the system call
  uint64_t args[6] = {};  // its arguments
  uintptr_t stack_pointer = 0;
  uint64_t blocked_signals = 0;
  uint64_t runs = 0;  // how often it has left the CPU
};
std::optional<ThreadState> ReadThreadState(pid_t listed_tid);

// An entry of /proc/self/fd with what fdinfo says of it (proc_pid_fdinfo(5)).
struct EpollRegistration {
  int fd;
  uint32_t events;
  uint64_t data;
};
struct OpenFile {
  int fd;
  std::string target;  // what the link points to: a path, "pipe:[1234]", "anon_inode:[eventfd]"
  int flags = 0;       // open(2) flags, O_CLOEXEC included
  uint64_t eventfd_count = 0;
  bool eventfd_semaphore = false;
  std::vector<EpollRegistration> registrations;
};
std::vector<OpenFile> ReadOpenFiles();

}  // namespace nodespawner
