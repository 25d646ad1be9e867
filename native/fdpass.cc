#include "fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

namespace nodespawner {

int SendMessage(int socket, const void* bytes, size_t size, const int* fds, size_t fd_count, pid_t translate_pid) {
  if (fd_count > kMaxFdsPerMessage) return EMSGSIZE;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFdsPerMessage) + CMSG_SPACE(sizeof(ucred))];
  iovec part = {const_cast<void*>(bytes), size};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  size_t used = 0;
  const auto append = [&](int type, const void* data, size_t length) {
    auto* header = reinterpret_cast<cmsghdr*>(control + used);
    memset(header, 0, CMSG_SPACE(length));
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(header), data, length);
    used += CMSG_SPACE(length);
  };
  if (fd_count) append(SCM_RIGHTS, fds, sizeof(int) * fd_count);
  if (translate_pid) {
    const ucred credentials = {translate_pid, getuid(), getgid()};
    append(SCM_CREDENTIALS, &credentials, sizeof credentials);
  }
  if (used) {
    message.msg_control = control;
    message.msg_controllen = used;
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

int ReceiveMessage(int socket, void* bytes, size_t capacity, size_t max_fds, int flags, ReceivedMessage* received) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFdsPerMessage) + CMSG_SPACE(sizeof(ucred))];
  iovec part = {bytes, capacity};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size;
  do {
    size = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return errno;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_RIGHTS) {
      const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
        received->fds.emplace_back(fd);
      }
    } else if (header->cmsg_type == SCM_CREDENTIALS) {
      ucred credentials;
      memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
      received->translated_pid = credentials.pid;
    }
  }
  received->size = static_cast<size_t>(size);
  const bool has_room = received->fds.size() < max_fds;
  if (!(message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) && received->fds.size() <= max_fds) return 0;
  received->fds.clear();
  return message.msg_flags & MSG_CTRUNC && has_room ? EMFILE : EMSGSIZE;
}

}  // namespace nodespawner
