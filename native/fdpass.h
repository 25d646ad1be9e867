// Messages with file descriptors over UNIX sockets of type SOCK_SEQPACKET (unix(7), cmsg(3)).
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include <vector>

#include "unique_fd.h"

namespace nodespawner {

constexpr size_t kMaxFdsPerMessage = 253;  // the kernel's SCM_MAX_FD

// Returns 0 or an errno. `translate_pid`, if not 0, travels as SCM_CREDENTIALS, so that the kernel tells the receiver
// the process's id in the receiver's own PID namespace.
int SendMessage(int socket, const void* bytes, size_t size, const int* fds, size_t fd_count, pid_t translate_pid = 0);

struct ReceivedMessage {
  size_t size = 0;  // 0: the other end is closed
  std::vector<UniqueFd> fds;
  pid_t translated_pid = 0;
};

// Returns 0 or an errno. EMSGSIZE: the message was longer than `capacity`, or had more than `max_fds` descriptors.
// EMFILE: the bytes are there, but this process could not have the descriptors. All of them are closed then. Received
// descriptors are close-on-exec.
int ReceiveMessage(int socket, void* bytes, size_t capacity, size_t max_fds, int flags, ReceivedMessage* message);

}  // namespace nodespawner
