/* Network links, their addresses and their routes, by rtnetlink(7). Addresses are numbers in the host's byte order. All
 * functions take a socket of the namespace that they change, and return 0, or -1 with errno.
 *
 * Both ends of each pair have one and the same hardware address and do no ARP: a packet arrives whatever address it was
 * routed to, and there are no neighbours to wait for, to pretend to be, or to fill the kernel's table with. */
#pragma once

#include <stdint.h>

struct link_name {
  const char *name;
  unsigned index; /* 0: the kernel chooses */
};

/* A veth(4) pair that is down: one end here, one in the namespace behind a descriptor. */
int make_link_pair(int socket, struct link_name here, int other_namespace, struct link_name there);

int remove_link(int socket, const char *name);

/* Up, without any IPv6 address: not even the one that the kernel gives to each link. */
int start_link(int socket, unsigned index, int forwards);
int start_loopback(int socket);

/* A number by which a firewall can tell links; 0 is that of all new ones. */
int set_link_group(int socket, unsigned index, uint32_t group);

int add_address(int socket, unsigned index, uint32_t address);

/* To one address. Fails with EEXIST if there is such a route, so that it also reserves the address. */
int add_route(int socket, unsigned index, uint32_t destination);

/* To everything else. The gateway is only a name, since there is no ARP. */
int add_default_route(int socket, unsigned index, uint32_t gateway);

/* The link over which packets to an address leave, as it is now; 0 if there is no route. */
unsigned find_link_to(int socket, uint32_t destination);
