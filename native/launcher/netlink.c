#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int netlink_open(int protocol) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) return -1;
  /* A firewall is one message to the socket; the kernel cuts this down to net.core.wmem_max. */
  const int room = 1024 * 1024;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  return fd;
}

/* Copies to the end, padded with zeros as netlink has it. */
void netlink_put_raw(struct netlink_batch *batch, const void *bytes, size_t size) {
  const size_t padded = NLMSG_ALIGN(size);
  if (batch->overflow || batch->size + padded > batch->capacity) {
    batch->overflow = 1;
    return;
  }
  memset(batch->bytes + batch->size, 0, padded);
  if (size) memcpy(batch->bytes + batch->size, bytes, size);
  batch->size += padded;
  ((struct nlmsghdr *)(batch->bytes + batch->last))->nlmsg_len = (uint32_t)(batch->size - batch->last);
}

void netlink_message(struct netlink_batch *batch, int type, int flags, const void *header, size_t header_size) {
  const struct nlmsghdr message = {
      .nlmsg_type = (uint16_t)type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags), .nlmsg_seq = ++batch->sent};
  batch->last = batch->size;
  netlink_put_raw(batch, &message, sizeof message);
  netlink_put_raw(batch, header, header_size);
}

void netlink_put(struct netlink_batch *batch, int type, const void *value, size_t size) {
  const struct nlattr attribute = {(uint16_t)(sizeof attribute + size), (uint16_t)type};
  netlink_put_raw(batch, &attribute, sizeof attribute);
  netlink_put_raw(batch, value, size);
}

void netlink_put_u32(struct netlink_batch *batch, int type, uint32_t value) {
  netlink_put(batch, type, &value, sizeof value);
}

void netlink_put_be32(struct netlink_batch *batch, int type, uint32_t value) {
  netlink_put_u32(batch, type, htonl(value));
}

void netlink_put_text(struct netlink_batch *batch, int type, const char *text) {
  netlink_put(batch, type, text, strlen(text) + 1);
}

size_t netlink_nest(struct netlink_batch *batch, int type) {
  const size_t nest = batch->size;
  netlink_put(batch, type | NLA_F_NESTED, NULL, 0);
  return nest;
}

void netlink_unnest(struct netlink_batch *batch, size_t nest) {
  if (!batch->overflow) ((struct nlattr *)(batch->bytes + nest))->nla_len = (uint16_t)(batch->size - nest);
}

int netlink_send(int socket, struct netlink_batch *batch) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  const size_t size = batch->size;
  const int overflow = batch->overflow;
  batch->size = batch->last = batch->sent = 0;
  batch->overflow = 0;
  if (overflow) {
    errno = ENOBUFS;
    return -1;
  }
  if (sendto(socket, batch->bytes, size, MSG_NOSIGNAL, (struct sockaddr *)&kernel, sizeof kernel) != (ssize_t)size) {
    return -1;
  }
  /* The kernel has done all of it, and has answered, before it returns from sendto(2). */
  int answers = 0, error = 0;
  for (;;) {
    _Alignas(struct nlmsghdr) char buffer[16384];
    const ssize_t got = recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) return -1;
    if (got <= 0) break;
    size_t left = (size_t)got;
    for (struct nlmsghdr *answer = (struct nlmsghdr *)buffer; NLMSG_OK(answer, left);
         answer = NLMSG_NEXT(answer, left)) {
      if (answer->nlmsg_type != NLMSG_ERROR) continue;
      answers++;
      const int refused = -((const struct nlmsgerr *)NLMSG_DATA(answer))->error;
      if (refused && !error) error = refused;
    }
  }
  if (!answers) error = EPROTO;
  errno = error;
  return error ? -1 : 0;
}
