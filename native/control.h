// The messages between host and zygote: fixed-size records over the control socket (SOCK_SEQPACKET), one a message.
// Both ends are this library's own, of one build. Before it is sealed the zygote may send text instead: JSON that says
// why it can't start.
#pragma once

#include <stdint.h>

namespace nodespawner {

enum class RequestKind : uint32_t {
  kClone = 1,   // with one descriptor: the child's end of its job socket
  kSignal = 2,  // signal the child alone
  kKill = 3,    // SIGKILL for the child and all that it started
};

struct Request {
  RequestKind kind;
  uint32_t token;  // chosen by the host; names the child in all that follows
  int32_t signal;
};

enum class ReplyKind : uint32_t {
  kCloned = 1,  // with SCM_CREDENTIALS: the child's pid; it is confined
  kExited = 2,  // the child and all that it started are gone
  kFailed = 3,  // there is no child
  kReady = 4,   // the zygote is sealed and serves
  kReaped = 5,  // the child has ended by itself with code 0 and can have started nothing; kExited follows
  kWarm = 6,    // from now on children are as cheap as they get; where no memory is pinned, with the step that failed
};

struct Reply {
  ReplyKind kind;
  uint32_t token;
  int32_t wait_status;  // of wait4(2)
  int32_t error;        // errno of `step`
  int64_t user_us, system_us;
  int64_t peak_memory_kb;  // ru_maxrss of getrusage(2)
  int32_t forbidden;       // the number of the system call that the child was stopped at, or -1
  uint32_t oom_kills;      // its processes that the kernel killed for want of memory
  uint32_t task_fails;     // its forks that the limit on tasks refused
  char step[56];           // what failed
  int32_t threads;         // kReady: how many threads each child gets besides its main one
  int32_t threads_left_out;
};

// From a child to its zygote: it is confined, or which step failed. With the descriptor of its seccomp listener. Or,
// with a pid and nothing else, from the holder of its memory (memory_holder.h).
struct ChildReport {
  uint32_t token;
  int32_t pid;    // the child's in the zygote's PID namespace, if that is what it is about; else 0
  int32_t error;  // 0: none
  char step[56];
};

}  // namespace nodespawner
