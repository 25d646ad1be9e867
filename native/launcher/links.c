#include "links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

enum { LOOPBACK = 1 }; /* the index of lo in every namespace */

/* Locally administered. */
static const unsigned char HARDWARE_ADDRESS[6] = {0x02, 0, 0, 0, 0, 0x01};

struct message {
  _Alignas(struct nlmsghdr) char bytes[512];
  struct netlink_batch batch;
};

static struct netlink_batch *begin(struct message *message, int type, int flags, const void *header, size_t size) {
  message->batch = (struct netlink_batch){.bytes = message->bytes, .capacity = sizeof message->bytes};
  netlink_message(&message->batch, type, NLM_F_ACK | flags, header, size);
  return &message->batch;
}

static void put_end(struct netlink_batch *batch, const char *name) {
  netlink_put_text(batch, IFLA_IFNAME, name);
  netlink_put(batch, IFLA_ADDRESS, HARDWARE_ADDRESS, sizeof HARDWARE_ADDRESS);
}

int make_link_pair(int socket, struct link_name here, int other_namespace, struct link_name there) {
  struct message message;
  const struct ifinfomsg header = {.ifi_index = (int)here.index}, peer_header = {.ifi_index = (int)there.index};
  struct netlink_batch *batch = begin(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
  put_end(batch, here.name);
  const size_t info = netlink_nest(batch, IFLA_LINKINFO);
  netlink_put_text(batch, IFLA_INFO_KIND, "veth");
  const size_t data = netlink_nest(batch, IFLA_INFO_DATA);
  const size_t peer = netlink_nest(batch, VETH_INFO_PEER);
  netlink_put_raw(batch, &peer_header, sizeof peer_header);
  put_end(batch, there.name);
  netlink_put_u32(batch, IFLA_NET_NS_FD, (uint32_t)other_namespace);
  netlink_unnest(batch, peer);
  netlink_unnest(batch, data);
  netlink_unnest(batch, info);
  return netlink_send(socket, batch);
}

int remove_link(int socket, const char *name) {
  struct message message;
  const struct ifinfomsg header = {0};
  struct netlink_batch *batch = begin(&message, RTM_DELLINK, 0, &header, sizeof header);
  netlink_put_text(batch, IFLA_IFNAME, name);
  return netlink_send(socket, batch);
}

/* Settings that have files in /proc/sys/net, too, which containers often can't write to. */
static int configure(int socket, unsigned index, int forwards, int has_ipv6) {
  struct message message;
  const struct ifinfomsg header = {.ifi_index = (int)index};
  struct netlink_batch *batch = begin(&message, RTM_NEWLINK, 0, &header, sizeof header);
  const size_t settings = netlink_nest(batch, IFLA_AF_SPEC);
  const size_t ipv4 = netlink_nest(batch, AF_INET);
  const size_t values = netlink_nest(batch, IFLA_INET_CONF);
  netlink_put_u32(batch, IPV4_DEVCONF_FORWARDING, forwards ? 1 : 0);
  netlink_unnest(batch, values);
  netlink_unnest(batch, ipv4);
  if (has_ipv6) {
    const unsigned char mode = IN6_ADDR_GEN_MODE_NONE;
    const size_t ipv6 = netlink_nest(batch, AF_INET6);
    netlink_put(batch, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof mode);
    netlink_unnest(batch, ipv6);
  }
  netlink_unnest(batch, settings);
  return netlink_send(socket, batch);
}

static int set_flags(int socket, unsigned index, unsigned flags) {
  struct message message;
  const struct ifinfomsg header = {.ifi_index = (int)index, .ifi_flags = flags, .ifi_change = flags};
  return netlink_send(socket, begin(&message, RTM_NEWLINK, 0, &header, sizeof header));
}

int start_link(int socket, unsigned index, int forwards) {
  /* A kernel without IPv6 does not know its settings. */
  if (configure(socket, index, forwards, 1) != 0 &&
      (errno != EAFNOSUPPORT || configure(socket, index, forwards, 0) != 0)) {
    return -1;
  }
  return set_flags(socket, index, IFF_UP | IFF_NOARP);
}

int start_loopback(int socket) { return set_flags(socket, LOOPBACK, IFF_UP); }

int set_link_group(int socket, unsigned index, uint32_t group) {
  struct message message;
  const struct ifinfomsg header = {.ifi_index = (int)index};
  struct netlink_batch *batch = begin(&message, RTM_NEWLINK, 0, &header, sizeof header);
  netlink_put_u32(batch, IFLA_GROUP, group);
  return netlink_send(socket, batch);
}

static void put_address(struct netlink_batch *batch, int type, uint32_t address) {
  netlink_put_be32(batch, type, address);
}

int add_address(int socket, unsigned index, uint32_t address) {
  struct message message;
  const struct ifaddrmsg header = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = index};
  struct netlink_batch *batch = begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
  put_address(batch, IFA_LOCAL, address);
  put_address(batch, IFA_ADDRESS, address);
  return netlink_send(socket, batch);
}

static struct netlink_batch *begin_route(struct message *message, unsigned index, unsigned char bits,
                                         unsigned char scope, unsigned flags) {
  const struct rtmsg header = {.rtm_family = AF_INET,
                               .rtm_dst_len = bits,
                               .rtm_table = RT_TABLE_MAIN,
                               .rtm_protocol = RTPROT_STATIC,
                               .rtm_scope = scope,
                               .rtm_type = RTN_UNICAST,
                               .rtm_flags = flags};
  struct netlink_batch *batch = begin(message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
  netlink_put_u32(batch, RTA_OIF, index);
  return batch;
}

int add_route(int socket, unsigned index, uint32_t destination) {
  struct message message;
  struct netlink_batch *batch = begin_route(&message, index, 32, RT_SCOPE_LINK, 0);
  put_address(batch, RTA_DST, destination);
  return netlink_send(socket, batch);
}

int add_default_route(int socket, unsigned index, uint32_t gateway) {
  struct message message;
  struct netlink_batch *batch = begin_route(&message, index, 0, RT_SCOPE_UNIVERSE, RTNH_F_ONLINK);
  put_address(batch, RTA_GATEWAY, gateway);
  return netlink_send(socket, batch);
}

unsigned find_link_to(int socket, uint32_t destination) {
  struct message message;
  const struct rtmsg header = {.rtm_family = AF_INET, .rtm_dst_len = 32};
  struct netlink_batch *batch = begin(&message, RTM_GETROUTE, 0, &header, sizeof header);
  put_address(batch, RTA_DST, destination);
  /* Not netlink_send(), which looks at acknowledgements only: the answer is a message like the one above. */
  _Alignas(struct nlmsghdr) char answer[4096];
  if (send(socket, batch->bytes, batch->size, MSG_NOSIGNAL) < 0) return 0;
  unsigned index = 0;
  ssize_t got;
  while ((got = recv(socket, answer, sizeof answer, MSG_DONTWAIT)) > 0) {
    size_t left = (size_t)got;
    for (struct nlmsghdr *part = (struct nlmsghdr *)answer; NLMSG_OK(part, left); part = NLMSG_NEXT(part, left)) {
      if (part->nlmsg_type != RTM_NEWROUTE) continue;
      const struct rtmsg *route = NLMSG_DATA(part);
      if (route->rtm_type != RTN_UNICAST) continue;
      unsigned room = (unsigned)RTM_PAYLOAD(part);
      for (struct rtattr *attribute = RTM_RTA(route); RTA_OK(attribute, room); attribute = RTA_NEXT(attribute, room)) {
        if (attribute->rta_type == RTA_OIF) memcpy(&index, RTA_DATA(attribute), sizeof index);
      }
    }
  }
  return index;
}
