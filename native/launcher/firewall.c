#include "firewall.h"

#include <linux/icmp.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>

#include "nft.h"

enum { FLOWING = NFT_STATE_ESTABLISHED | NFT_STATE_RELATED };

/* After conntrack has looked at a packet, and before addresses are translated. */
enum { BEFORE_TRANSLATION = NF_IP_PRI_MANGLE };

static void to_named(struct nft *nft, const struct network_rule *rule) {
  nft_destination(nft, rule->address, rule->bits);
  nft_protocol(nft, rule->protocol);
  nft_ports(nft, rule->first_port, rule->last_port);
}

/* SECURITY: connections that a child opens beyond its share, or that nobody ended because it was killed, are not to
 * fill the kernel's table of connections, which the whole machine uses. The kernel would keep the latter for five days.
 */
static void add_limited_chain(struct nft *nft, const struct launcher_options *options) {
  nft_idle_timeout(nft, "idle", options->idle_seconds);
  nft_chain(nft, "limited");
}

static void add_network_rules(struct nft *nft, const struct launcher_options *options, const char *chain, int named) {
  for (int i = 0; i < options->network_rule_count; i++) {
    const struct network_rule *rule = &options->network_rules[i];
    if (rule->named != named) continue;
    nft_rule(nft, chain);
    to_named(nft, rule);
    nft_go_to(nft, "limited");
  }
}

int load_router_firewall(const struct launcher_options *options, int socket) {
  struct nft nft;
  nft_begin(&nft, "nodespawner");

  nft_base_chain(&nft, "arriving", "filter", NF_INET_PRE_ROUTING, BEFORE_TRANSLATION, NF_ACCEPT);
  nft_rule(&nft, "arriving");
  nft_is_ipv4(&nft, 0);
  nft_drop(&nft);
  nft_rule(&nft, "arriving");
  nft_source_is_spoofed(&nft);
  nft_drop(&nft);
  /* SECURITY: in options the routers on the way write their addresses, and the time (RFC 791, 3.1). */
  nft_rule(&nft, "arriving");
  nft_has_ip_options(&nft);
  nft_drop(&nft);

  /* The router itself takes part in nothing, and says nothing but that it refused, or that a connection is no more. */
  nft_base_chain(&nft, "input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER, NF_DROP);
  nft_base_chain(&nft, "output", "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER, NF_DROP);
  nft_rule(&nft, "output");
  nft_icmp_type(&nft, ICMP_DEST_UNREACH);
  nft_accept(&nft);
  nft_rule(&nft, "output");
  nft_to_group(&nft, LINKS_OF_THE_DEAD);
  nft_protocol(&nft, IPPROTO_TCP);
  nft_accept(&nft);
  nft_rule(&nft, "output");
  nft_to_link(&nft, UPLINK, 1);
  nft_protocol(&nft, IPPROTO_TCP);
  nft_accept(&nft);

  nft_counting_set(&nft, "connections");
  add_limited_chain(&nft, options);
  nft_rule(&nft, "limited");
  nft_more_connections_of_source_than(&nft, "connections", options->connections_each);
  nft_reject(&nft);
  nft_rule(&nft, "limited");
  nft_set_idle_timeout(&nft, "idle");
  nft_rule(&nft, "limited");
  nft_accept(&nft);

  nft_base_chain(&nft, "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER, NF_DROP);
  /* SECURITY: a socket that still has something to send outlives its process, and its namespace with it, for as long as
   * the other side pleases (tcp_orphan_retries of tcp(7)). */
  for (int to = 0; to <= 1; to++) {
    for (int tcp = 1; tcp >= 0; tcp--) {
      nft_rule(&nft, "forward");
      if (to) {
        nft_to_group(&nft, LINKS_OF_THE_DEAD);
      } else {
        nft_from_group(&nft, LINKS_OF_THE_DEAD);
      }
      if (tcp) {
        nft_reset(&nft);
      } else {
        nft_drop(&nft);
      }
    }
  }
  nft_rule(&nft, "forward");
  nft_state(&nft, NFT_STATE_ESTABLISHED);
  nft_accept(&nft);
  /* SECURITY: of what may go wrong on the way, only that it goes no further; not which routers there are
   * (traceroute(8)). */
  nft_rule(&nft, "forward");
  nft_state(&nft, NFT_STATE_RELATED);
  nft_icmp_type(&nft, ICMP_DEST_UNREACH);
  nft_accept(&nft);
  nft_rule(&nft, "forward");
  nft_state(&nft, NFT_STATE_INVALID);
  nft_drop(&nft);
  nft_rule(&nft, "forward");
  nft_from_link(&nft, UPLINK, 1);
  nft_drop(&nft);
  /* From here on it comes from a child, and is the first packet of something. */
  nft_rule(&nft, "forward");
  nft_to_link(&nft, UPLINK, 0);
  nft_reject(&nft);
  add_network_rules(&nft, options, "forward", 1);
  for (int i = 0; i < options->blocked_count; i++) {
    nft_rule(&nft, "forward");
    nft_destination(&nft, options->blocked[i].address, options->blocked[i].bits);
    nft_reject(&nft);
  }
  add_network_rules(&nft, options, "forward", 0);
  nft_rule(&nft, "forward");
  nft_reject(&nft);

  /* The host knows of no child's address. */
  nft_base_chain(&nft, "translate", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC, NF_ACCEPT);
  nft_rule(&nft, "translate");
  nft_to_link(&nft, UPLINK, 1);
  nft_masquerade(&nft);
  return nft_end(&nft, socket);
}

int load_host_firewall(const struct launcher_options *options, int socket, const char *link, uint32_t router) {
  struct nft nft;
  char table[64];
  snprintf(table, sizeof table, "nodespawner-%s", link);
  nft_begin(&nft, table);

  /* What follows is about packets from the router, and to it; all others pass. */
  nft_base_chain(&nft, "arriving", "filter", NF_INET_PRE_ROUTING, BEFORE_TRANSLATION, NF_ACCEPT);
  nft_rule(&nft, "arriving");
  nft_from_link(&nft, link, 0);
  nft_accept(&nft);
  nft_rule(&nft, "arriving");
  nft_is_ipv4(&nft, 0);
  nft_drop(&nft);
  nft_rule(&nft, "arriving");
  nft_source(&nft, router, 0);
  nft_drop(&nft);
  for (int i = 0; i < options->network_rule_count; i++) {
    if (!options->network_rules[i].named) continue;
    nft_rule(&nft, "arriving");
    to_named(&nft, &options->network_rules[i]);
    nft_accept(&nft);
  }
  /* SECURITY: the host's own addresses, whichever they are at that moment, and even if a port of one of them is
   * translated to some other machine or container. */
  nft_rule(&nft, "arriving");
  nft_destination_is_not_unicast(&nft);
  nft_reject(&nft);

  nft_base_chain(&nft, "input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER, NF_ACCEPT);
  nft_rule(&nft, "input");
  nft_from_link(&nft, link, 0);
  nft_accept(&nft);
  for (int i = 0; i < options->network_rule_count; i++) {
    if (!options->network_rules[i].named) continue;
    nft_rule(&nft, "input");
    to_named(&nft, &options->network_rules[i]);
    nft_accept(&nft);
  }
  nft_rule(&nft, "input");
  nft_reject(&nft);

  add_limited_chain(&nft, options);
  nft_rule(&nft, "limited");
  nft_more_connections_than(&nft, options->connections_all);
  nft_reject(&nft);
  nft_rule(&nft, "limited");
  nft_set_idle_timeout(&nft, "idle");
  nft_rule(&nft, "limited");
  nft_accept(&nft);

  nft_base_chain(&nft, "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER, NF_ACCEPT);
  nft_rule(&nft, "forward");
  nft_to_link(&nft, link, 1);
  nft_state(&nft, FLOWING);
  nft_accept(&nft);
  nft_rule(&nft, "forward");
  nft_to_link(&nft, link, 1);
  nft_drop(&nft);
  nft_rule(&nft, "forward");
  nft_from_link(&nft, link, 0);
  nft_accept(&nft);
  nft_rule(&nft, "forward");
  nft_state(&nft, FLOWING);
  nft_accept(&nft);
  for (int i = 0; i < options->network_rule_count; i++) {
    const struct network_rule *rule = &options->network_rules[i];
    if (!rule->named) continue;
    nft_rule(&nft, "forward");
    nft_original_destination(&nft, rule->address, rule->bits);
    nft_protocol(&nft, rule->protocol);
    nft_original_ports(&nft, rule->first_port, rule->last_port);
    nft_go_to(&nft, "limited");
  }
  /* SECURITY: an address that may be reached, but behind which the host has put something else: a service of
   * Kubernetes, a published port of a container. */
  nft_rule(&nft, "forward");
  nft_destination_was_translated(&nft);
  nft_reject(&nft);
  nft_rule(&nft, "forward");
  nft_go_to(&nft, "limited");

  nft_base_chain(&nft, "translate", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC, NF_ACCEPT);
  nft_rule(&nft, "translate");
  nft_source(&nft, router, 1);
  nft_to_link(&nft, link, 0);
  nft_masquerade(&nft);
  return nft_end(&nft, socket);
}
