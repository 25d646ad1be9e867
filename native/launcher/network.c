#include "network.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "fail.h"
#include "firewall.h"
#include "ids.h"
#include "links.h"
#include "netlink.h"

/* Indices of links, within namespaces that are new and ours. 1 is lo. */
enum { UPLINK_INDEX = 2, CHILD_INDEX = 2, FIRST_CHILD_LINK = 100 };

static const char NETWORK_HINT[] =
    "the profile network needs CAP_NET_ADMIN, nf_tables and veth, and Linux 5.12: in Docker --cap-add=NET_ADMIN";

/* ---- the outer process ---- */

static char host_link[IFNAMSIZ];
static int host_socket = -1;

/* A packet that comes in by a link is forwarded only if that link's setting says so, and what children are sent comes
 * in by other links than ours. SECURITY: whether the machine is to be a router is not for us to say, so look only. */
static int forwarding_is_off(const struct network_rule *rule, char *name) {
  /* Some address within the range, rather than that which names the range. */
  const unsigned index = find_link_to(host_socket, rule->bits < 31 ? rule->address | 1 : rule->address);
  if (index == 0 || !if_indextoname(index, name)) return 0;
  char path[128], value = '1';
  snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/forwarding", name);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  if (read(fd, &value, 1) != 1) value = '1';
  close(fd);
  return value == '0';
}

static int check_forwarding(const struct launcher_options *options, struct network_failure *failure) {
  static char step[64 + IFNAMSIZ], hint[160 + IFNAMSIZ];
  char name[IFNAMSIZ];
  for (int i = 0; i < options->network_rule_count; i++) {
    if (!forwarding_is_off(&options->network_rules[i], name)) continue;
    snprintf(step, sizeof step, "net.ipv4.conf.%s.forwarding is 0", name);
    snprintf(hint, sizeof hint,
             "what children are sent arrives there: sysctl -w net.ipv4.conf.%s.forwarding=1, or "
             "net.ipv4.ip_forward=1; see docs/network.md",
             name);
    *failure = (struct network_failure){step, hint};
    errno = ENETUNREACH;
    return -1;
  }
  return 0;
}

/* A link whose name nobody else has, to the router. */
static int make_host_link(int router) {
  for (int tries = 0; tries < 100; tries++) {
    uint32_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random) return -1;
    snprintf(host_link, sizeof host_link, "nspawn%08x", random);
    if (make_link_pair(host_socket, (struct link_name){host_link, 0}, router,
                       (struct link_name){UPLINK, UPLINK_INDEX}) == 0) {
      return 0;
    }
    if (errno != EEXIST) return -1;
  }
  return -1;
}

/* An address that nobody else has: the route to it reserves it. Returns 0 if there is none. */
static uint32_t reserve_address(const struct address_range *range, unsigned link) {
  uint32_t random;
  if (getrandom(&random, sizeof random, 0) != sizeof random) return 0;
  for (uint32_t i = 0; i < range->count; i++) {
    const uint32_t address = range->first + (random % range->count + i) % range->count;
    if (add_route(host_socket, link, address) == 0) return address;
    if (errno != EEXIST) return 0;
  }
  errno = EADDRNOTAVAIL;
  return 0;
}

uint32_t attach_router(const struct launcher_options *options, pid_t init, struct network_failure *failure) {
  *failure = (struct network_failure){"socket(NETLINK_ROUTE)", NETWORK_HINT};
  host_socket = netlink_open(NETLINK_ROUTE);
  if (host_socket < 0 || check_forwarding(options, failure) != 0) return 0;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/net", init);
  const int router = open(path, O_RDONLY | O_CLOEXEC);
  failure->step = "open(/proc/PID/ns/net)";
  if (router < 0) return 0;
  failure->step = "rtnetlink(host)";
  if (make_host_link(router) != 0) return 0;
  close(router);
  const unsigned link = if_nametoindex(host_link);
  if (start_link(host_socket, link, 1) != 0) return 0;
  *failure = (struct network_failure){"rtnetlink(route to router)",
                                      "if all addresses are taken: give the zygote others, sandbox.network.addresses"};
  const uint32_t address = reserve_address(&options->link_addresses, link);
  if (!address) return 0;
  failure->hint = NETWORK_HINT;
  /* SECURITY: until init is told, its end of the link is down. Kept open, since the table goes with it. */
  failure->step = "nf_tables(host)";
  const int firewall = netlink_open(NETLINK_NETFILTER);
  if (firewall < 0 || load_host_firewall(options, firewall, host_link, address) != 0) return 0;
  return address;
}

/* With init it is going away anyway, but not at once. */
void detach_router(void) {
  if (host_socket >= 0) remove_link(host_socket, host_link);
}

/* ---- init ---- */

static int router_socket = -1, router_namespace = -1;
static uint32_t children_so_far;
static unsigned links[CHILDREN_PER_ZYGOTE];     /* of the children in each slot, the index of the router's end */
static uint32_t so_far_in[CHILDREN_PER_ZYGOTE]; /* children of each slot */

void enter_router(void) {
  if (unshare(CLONE_NEWNET) != 0) fail("unshare(CLONE_NEWNET)", NETWORK_HINT);
}

void start_router(const struct launcher_options *options, uint32_t address) {
  router_namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (router_namespace < 0) fail("open(/proc/self/ns/net)", "");
  const int firewall = netlink_open(NETLINK_NETFILTER); /* kept open */
  if (firewall < 0 || load_router_firewall(options, firewall) != 0) fail("nf_tables(router)", NETWORK_HINT);
  router_socket = netlink_open(NETLINK_ROUTE);
  if (router_socket < 0 || add_address(router_socket, UPLINK_INDEX, address) != 0 ||
      start_link(router_socket, UPLINK_INDEX, 1) != 0 ||
      add_default_route(router_socket, UPLINK_INDEX, options->link_addresses.first) != 0) {
    fail("rtnetlink(router)", NETWORK_HINT);
  }
}

void name_next_link(int slot) {
  links[slot] = FIRST_CHILD_LINK + ++children_so_far;
  so_far_in[slot]++;
}

void cut_link(int slot) {
  /* With all of its namespace, it may be gone already. */
  if (set_link_group(router_socket, links[slot], LINKS_OF_THE_DEAD) != 0 && errno != ENODEV) {
    fail("rtnetlink(group)", "");
  }
}

/* ---- a stub ---- */

/* Of no other live child, and different from that of the last one in the slot: what was sent to that one is not for
 * this one. The first address of all is the gateway's. */
static uint32_t child_address(const struct launcher_options *options, int slot) {
  const uint32_t generations = options->child_addresses.count / 256;
  return options->child_addresses.first + so_far_in[slot] % generations * 256 + (uint32_t)slot + 1;
}

const char *join_router(const struct launcher_options *options, int slot) {
  const int socket = netlink_open(NETLINK_ROUTE);
  if (socket < 0) return "socket(NETLINK_ROUTE)";
  char name[IFNAMSIZ];
  const unsigned index = links[slot];
  snprintf(name, sizeof name, "c%u", index);
  const uint32_t address = child_address(options, slot);
  if (make_link_pair(socket, (struct link_name){"eth0", CHILD_INDEX}, router_namespace,
                     (struct link_name){name, index}) != 0) {
    return "rtnetlink(veth)";
  }
  if (start_link(router_socket, index, 1) != 0) return "rtnetlink(router's end)";
  if (add_route(router_socket, index, address) != 0) return "rtnetlink(route to child)";
  /* What is sent to 127.0.0.1 is to end here, too. */
  if (start_loopback(socket) != 0) return "rtnetlink(lo)";
  if (add_address(socket, CHILD_INDEX, address) != 0) return "rtnetlink(address)";
  if (start_link(socket, CHILD_INDEX, 0) != 0) return "rtnetlink(eth0)";
  if (add_default_route(socket, CHILD_INDEX, options->child_addresses.first) != 0) return "rtnetlink(route)";
  close(socket);
  return NULL;
}
