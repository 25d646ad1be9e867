/* Rules of nf_tables (nft(8)), put together as the kernel takes them. `nft list ruleset` shows the result as text, and
 * test/security/network-rules.test.ts compares it.
 *
 * A rule is begun, given matches, each of which has to hold, and ended by a verdict. */
#pragma once

#include <stdint.h>

#include "netlink.h"

struct nft {
  struct netlink_batch batch;
  const char *table;
  size_t rule; /* the nest of the rule that has been begun */
};

enum nft_state { NFT_STATE_INVALID = 1, NFT_STATE_ESTABLISHED = 2, NFT_STATE_RELATED = 4, NFT_STATE_NEW = 8 };

/* A table that belongs to the socket it is sent over: nobody else can change it, and it is gone when the socket is,
 * whatever ends the process. */
void nft_begin(struct nft *nft, const char *table);

/* Returns 0, or -1 with the errno of the kernel. */
int nft_end(struct nft *nft, int socket);

/* `type`: "filter" or "nat"; `hook`: NF_INET_* of linux/netfilter.h; `policy`: NF_DROP or NF_ACCEPT. */
void nft_base_chain(struct nft *nft, const char *name, const char *type, int hook, int priority, int policy);
void nft_chain(struct nft *nft, const char *name);

/* A set that counts connections for each IPv4 address. */
void nft_counting_set(struct nft *nft, const char *name);

/* For connections of TCP that are silent: after how many seconds they are forgotten. */
void nft_idle_timeout(struct nft *nft, const char *name, uint32_t seconds);

void nft_rule(struct nft *nft, const char *chain);

/* Matches. */
void nft_from_link(struct nft *nft, const char *name, int is);
void nft_to_link(struct nft *nft, const char *name, int is);
void nft_from_group(struct nft *nft, uint32_t group);
void nft_to_group(struct nft *nft, uint32_t group);
void nft_is_ipv4(struct nft *nft, int is);
void nft_has_ip_options(struct nft *nft);
void nft_source(struct nft *nft, uint32_t address, int is);
void nft_destination(struct nft *nft, uint32_t address, int bits);
void nft_protocol(struct nft *nft, int protocol);
void nft_ports(struct nft *nft, uint16_t first, uint16_t last);
void nft_icmp_type(struct nft *nft, int type);
void nft_state(struct nft *nft, unsigned states);
/* As it was sent, before an address was translated. */
void nft_original_destination(struct nft *nft, uint32_t address, int bits);
void nft_original_ports(struct nft *nft, uint16_t first, uint16_t last);
void nft_destination_was_translated(struct nft *nft);
/* As by the routes: the destination is no other machine's, and the source is not behind the link that it came from. */
void nft_destination_is_not_unicast(struct nft *nft);
void nft_source_is_spoofed(struct nft *nft);
void nft_more_connections_than(struct nft *nft, uint32_t count);
void nft_more_connections_of_source_than(struct nft *nft, const char *set, uint32_t count);

/* Instead of a verdict: for new connections, a timeout of the table's. */
void nft_set_idle_timeout(struct nft *nft, const char *name);

/* Verdicts. */
void nft_accept(struct nft *nft);
void nft_drop(struct nft *nft);
void nft_reject(struct nft *nft);
void nft_reset(struct nft *nft); /* of TCP only: whoever sent it has no connection any more */
void nft_go_to(struct nft *nft, const char *chain);
void nft_masquerade(struct nft *nft);
