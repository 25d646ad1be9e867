/* What the firewalls let through: that of the router, which knows what the caller allowed, and that of the host, which
 * knows its own addresses and translations. */
#pragma once

#include <stdint.h>

#include "options.h"

#define UPLINK "up" /* the router's link to the host */

enum { LINKS_OF_THE_DEAD = 1 }; /* the group of the router's links to children that have ended */

/* Both return 0, or -1 with errno. The table lives as long as the socket (netlink_open(NETLINK_NETFILTER)). */
int load_router_firewall(const struct launcher_options *options, int socket);

/* `link` is the host's end of the link to the router, whose address is `router`. */
int load_host_firewall(const struct launcher_options *options, int socket, const char *link, uint32_t router);
