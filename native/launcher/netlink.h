/* Messages to the kernel over a netlink socket (netlink(7)): a batch of them, sent at once and answered at once. */
#pragma once

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct netlink_batch {
  char *bytes; /* the caller's, aligned to 4 */
  size_t capacity, size;
  size_t last;   /* where the last message begins */
  uint32_t sent; /* messages so far, by which they are numbered */
  int overflow;
};

/* Bound to the network namespace of the caller, as sockets are. Returns -1 with errno. */
int netlink_open(int protocol);

/* Begins a message; `header` is what follows struct nlmsghdr. */
void netlink_message(struct netlink_batch *batch, int type, int flags, const void *header, size_t header_size);

void netlink_put(struct netlink_batch *batch, int type, const void *value, size_t size);
void netlink_put_u32(struct netlink_batch *batch, int type, uint32_t value);
void netlink_put_be32(struct netlink_batch *batch, int type, uint32_t value);
void netlink_put_text(struct netlink_batch *batch, int type, const char *text);

/* Bytes that are no attribute. */
void netlink_put_raw(struct netlink_batch *batch, const void *bytes, size_t size);

/* What is put between the two is inside of an attribute. */
size_t netlink_nest(struct netlink_batch *batch, int type);
void netlink_unnest(struct netlink_batch *batch, size_t nest);

/* Sends the batch and empties it. Returns 0, or -1 with the errno of the first message that the kernel refused. At
 * least one message has to ask for an acknowledgement (NLM_F_ACK). */
int netlink_send(int socket, struct netlink_batch *batch);
