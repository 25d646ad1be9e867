#include "nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_cttimeout.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>

#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 2 /* since Linux 5.12, later than some headers */
#endif

enum { TABLE_MESSAGE = 256 * 1024 };

/* The firewall is put together once, and no two at a time. */
static _Alignas(struct nlmsghdr) char bytes[TABLE_MESSAGE];

static void batch_mark(struct nft *nft, int type) {
  const struct nfgenmsg header = {AF_UNSPEC, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)};
  netlink_message(&nft->batch, type, 0, &header, sizeof header);
}

static void message(struct nft *nft, int type, int flags) {
  const struct nfgenmsg header = {NFPROTO_INET, NFNETLINK_V0, 0};
  netlink_message(&nft->batch, NFNL_SUBSYS_NFTABLES << 8 | type, NLM_F_ACK | NLM_F_CREATE | flags, &header,
                  sizeof header);
}

void nft_begin(struct nft *nft, const char *table) {
  *nft = (struct nft){.batch = {.bytes = bytes, .capacity = sizeof bytes}, .table = table};
  batch_mark(nft, NFNL_MSG_BATCH_BEGIN);
  message(nft, NFT_MSG_NEWTABLE, NLM_F_EXCL);
  netlink_put_text(&nft->batch, NFTA_TABLE_NAME, table);
  netlink_put_be32(&nft->batch, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
}

int nft_end(struct nft *nft, int socket) {
  batch_mark(nft, NFNL_MSG_BATCH_END);
  return netlink_send(socket, &nft->batch);
}

void nft_chain(struct nft *nft, const char *name) {
  message(nft, NFT_MSG_NEWCHAIN, 0);
  netlink_put_text(&nft->batch, NFTA_CHAIN_TABLE, nft->table);
  netlink_put_text(&nft->batch, NFTA_CHAIN_NAME, name);
}

void nft_base_chain(struct nft *nft, const char *name, const char *type, int hook, int priority, int policy) {
  nft_chain(nft, name);
  const size_t nest = netlink_nest(&nft->batch, NFTA_CHAIN_HOOK);
  netlink_put_be32(&nft->batch, NFTA_HOOK_HOOKNUM, (uint32_t)hook);
  netlink_put_be32(&nft->batch, NFTA_HOOK_PRIORITY, (uint32_t)priority);
  netlink_unnest(&nft->batch, nest);
  netlink_put_be32(&nft->batch, NFTA_CHAIN_POLICY, (uint32_t)policy);
  netlink_put_text(&nft->batch, NFTA_CHAIN_TYPE, type);
}

void nft_counting_set(struct nft *nft, const char *name) {
  enum { TYPE_IPV4_ADDR = 7 }; /* by which nft(8) shows it */
  message(nft, NFT_MSG_NEWSET, 0);
  netlink_put_text(&nft->batch, NFTA_SET_TABLE, nft->table);
  netlink_put_text(&nft->batch, NFTA_SET_NAME, name);
  netlink_put_be32(&nft->batch, NFTA_SET_ID, 1);
  netlink_put_be32(&nft->batch, NFTA_SET_FLAGS, NFT_SET_EVAL);
  netlink_put_be32(&nft->batch, NFTA_SET_KEY_TYPE, TYPE_IPV4_ADDR);
  netlink_put_be32(&nft->batch, NFTA_SET_KEY_LEN, sizeof(uint32_t));
  const size_t nest = netlink_nest(&nft->batch, NFTA_SET_DESC);
  netlink_put_be32(&nft->batch, NFTA_SET_DESC_SIZE, 65535);
  netlink_unnest(&nft->batch, nest);
}

void nft_idle_timeout(struct nft *nft, const char *name, uint32_t seconds) {
  const uint16_t family = htons(NFPROTO_IPV4);
  const unsigned char protocol = IPPROTO_TCP;
  message(nft, NFT_MSG_NEWOBJ, 0);
  netlink_put_text(&nft->batch, NFTA_OBJ_TABLE, nft->table);
  netlink_put_text(&nft->batch, NFTA_OBJ_NAME, name);
  netlink_put_be32(&nft->batch, NFTA_OBJ_TYPE, NFT_OBJECT_CT_TIMEOUT);
  const size_t data = netlink_nest(&nft->batch, NFTA_OBJ_DATA);
  netlink_put(&nft->batch, NFTA_CT_TIMEOUT_L3PROTO, &family, sizeof family);
  netlink_put(&nft->batch, NFTA_CT_TIMEOUT_L4PROTO, &protocol, sizeof protocol);
  const size_t timeouts = netlink_nest(&nft->batch, NFTA_CT_TIMEOUT_DATA);
  netlink_put_be32(&nft->batch, CTA_TIMEOUT_TCP_ESTABLISHED, seconds);
  netlink_unnest(&nft->batch, timeouts);
  netlink_unnest(&nft->batch, data);
}

/* ---- rules: everything goes through register 1 ---- */

enum { REGISTER = NFT_REG_1 };

void nft_rule(struct nft *nft, const char *chain) {
  message(nft, NFT_MSG_NEWRULE, NLM_F_APPEND);
  netlink_put_text(&nft->batch, NFTA_RULE_TABLE, nft->table);
  netlink_put_text(&nft->batch, NFTA_RULE_CHAIN, chain);
  nft->rule = netlink_nest(&nft->batch, NFTA_RULE_EXPRESSIONS);
}

struct expression {
  size_t element, data;
};

static struct expression begin(struct nft *nft, int type, const char *name) {
  struct expression expression = {.element = netlink_nest(&nft->batch, type)};
  netlink_put_text(&nft->batch, NFTA_EXPR_NAME, name);
  expression.data = netlink_nest(&nft->batch, NFTA_EXPR_DATA);
  return expression;
}

static void end(struct nft *nft, struct expression expression) {
  netlink_unnest(&nft->batch, expression.data);
  netlink_unnest(&nft->batch, expression.element);
}

static void put_value(struct nft *nft, int type, const void *value, size_t size) {
  const size_t nest = netlink_nest(&nft->batch, type);
  netlink_put(&nft->batch, NFTA_DATA_VALUE, value, size);
  netlink_unnest(&nft->batch, nest);
}

static void compare(struct nft *nft, int operation, const void *value, size_t size) {
  const struct expression cmp = begin(nft, NFTA_LIST_ELEM, "cmp");
  netlink_put_be32(&nft->batch, NFTA_CMP_SREG, REGISTER);
  netlink_put_be32(&nft->batch, NFTA_CMP_OP, (uint32_t)operation);
  put_value(nft, NFTA_CMP_DATA, value, size);
  end(nft, cmp);
}

static void mask_bytes(struct nft *nft, const void *bits, size_t size) {
  const uint32_t nothing = 0;
  const struct expression bitwise = begin(nft, NFTA_LIST_ELEM, "bitwise");
  netlink_put_be32(&nft->batch, NFTA_BITWISE_SREG, REGISTER);
  netlink_put_be32(&nft->batch, NFTA_BITWISE_DREG, REGISTER);
  netlink_put_be32(&nft->batch, NFTA_BITWISE_LEN, (uint32_t)size);
  put_value(nft, NFTA_BITWISE_MASK, bits, size);
  put_value(nft, NFTA_BITWISE_XOR, &nothing, size);
  end(nft, bitwise);
}

static void mask(struct nft *nft, uint32_t bits) { mask_bytes(nft, &bits, sizeof bits); }

static void load_meta(struct nft *nft, int key) {
  const struct expression meta = begin(nft, NFTA_LIST_ELEM, "meta");
  netlink_put_be32(&nft->batch, NFTA_META_DREG, REGISTER);
  netlink_put_be32(&nft->batch, NFTA_META_KEY, (uint32_t)key);
  end(nft, meta);
}

static void load_payload(struct nft *nft, int base, uint32_t offset, uint32_t size) {
  const struct expression payload = begin(nft, NFTA_LIST_ELEM, "payload");
  netlink_put_be32(&nft->batch, NFTA_PAYLOAD_DREG, REGISTER);
  netlink_put_be32(&nft->batch, NFTA_PAYLOAD_BASE, (uint32_t)base);
  netlink_put_be32(&nft->batch, NFTA_PAYLOAD_OFFSET, offset);
  netlink_put_be32(&nft->batch, NFTA_PAYLOAD_LEN, size);
  end(nft, payload);
}

static void load_conntrack(struct nft *nft, int key) {
  const struct expression ct = begin(nft, NFTA_LIST_ELEM, "ct");
  netlink_put_be32(&nft->batch, NFTA_CT_DREG, REGISTER);
  netlink_put_be32(&nft->batch, NFTA_CT_KEY, (uint32_t)key);
  end(nft, ct);
}

static void load_original(struct nft *nft, int key) {
  const unsigned char direction = IP_CT_DIR_ORIGINAL;
  const struct expression ct = begin(nft, NFTA_LIST_ELEM, "ct");
  netlink_put_be32(&nft->batch, NFTA_CT_DREG, REGISTER);
  netlink_put_be32(&nft->batch, NFTA_CT_KEY, (uint32_t)key);
  netlink_put(&nft->batch, NFTA_CT_DIRECTION, &direction, sizeof direction);
  end(nft, ct);
}

static void load_route(struct nft *nft, int result, int flags) {
  const struct expression fib = begin(nft, NFTA_LIST_ELEM, "fib");
  netlink_put_be32(&nft->batch, NFTA_FIB_DREG, REGISTER);
  netlink_put_be32(&nft->batch, NFTA_FIB_RESULT, (uint32_t)result);
  netlink_put_be32(&nft->batch, NFTA_FIB_FLAGS, (uint32_t)flags);
  end(nft, fib);
}

static void compare_link(struct nft *nft, int key, const char *name, int is) {
  char padded[IFNAMSIZ] = "";
  strncpy(padded, name, sizeof padded - 1);
  load_meta(nft, key);
  compare(nft, is ? NFT_CMP_EQ : NFT_CMP_NEQ, padded, sizeof padded);
}

void nft_from_link(struct nft *nft, const char *name, int is) { compare_link(nft, NFT_META_IIFNAME, name, is); }
void nft_to_link(struct nft *nft, const char *name, int is) { compare_link(nft, NFT_META_OIFNAME, name, is); }

static void compare_group(struct nft *nft, int key, uint32_t group) {
  load_meta(nft, key);
  compare(nft, NFT_CMP_EQ, &group, sizeof group);
}

void nft_from_group(struct nft *nft, uint32_t group) { compare_group(nft, NFT_META_IIFGROUP, group); }
void nft_to_group(struct nft *nft, uint32_t group) { compare_group(nft, NFT_META_OIFGROUP, group); }

void nft_is_ipv4(struct nft *nft, int is) {
  const unsigned char family = NFPROTO_IPV4;
  load_meta(nft, NFT_META_NFPROTO);
  compare(nft, is ? NFT_CMP_EQ : NFT_CMP_NEQ, &family, sizeof family);
}

void nft_has_ip_options(struct nft *nft) {
  /* The length of a header without any is five words, in the lower half of the first byte (RFC 791, 3.1). */
  const unsigned char lower_half = 0x0f, plain = 5;
  nft_is_ipv4(nft, 1);
  load_payload(nft, NFT_PAYLOAD_NETWORK_HEADER, 0, sizeof plain);
  mask_bytes(nft, &lower_half, sizeof lower_half);
  compare(nft, NFT_CMP_NEQ, &plain, sizeof plain);
}

/* Of the header of IPv4. */
enum { SOURCE_OFFSET = 12, DESTINATION_OFFSET = 16 };

void nft_source(struct nft *nft, uint32_t address, int is) {
  const uint32_t value = htonl(address);
  nft_is_ipv4(nft, 1);
  load_payload(nft, NFT_PAYLOAD_NETWORK_HEADER, SOURCE_OFFSET, sizeof value);
  compare(nft, is ? NFT_CMP_EQ : NFT_CMP_NEQ, &value, sizeof value);
}

static void compare_network(struct nft *nft, uint32_t address, int bits) {
  const uint32_t network = bits == 0 ? 0 : htonl(0xffffffffu << (32 - bits));
  const uint32_t value = htonl(address) & network;
  if (bits < 32) mask(nft, network);
  compare(nft, NFT_CMP_EQ, &value, sizeof value);
}

void nft_destination(struct nft *nft, uint32_t address, int bits) {
  nft_is_ipv4(nft, 1);
  load_payload(nft, NFT_PAYLOAD_NETWORK_HEADER, DESTINATION_OFFSET, sizeof address);
  compare_network(nft, address, bits);
}

void nft_original_destination(struct nft *nft, uint32_t address, int bits) {
  load_original(nft, NFT_CT_DST_IP);
  compare_network(nft, address, bits);
}

void nft_protocol(struct nft *nft, int protocol) {
  const unsigned char value = (unsigned char)protocol;
  load_meta(nft, NFT_META_L4PROTO);
  compare(nft, NFT_CMP_EQ, &value, sizeof value);
}

static void compare_ports(struct nft *nft, uint16_t first, uint16_t last) {
  const uint16_t low = htons(first), high = htons(last);
  if (first == last) {
    compare(nft, NFT_CMP_EQ, &low, sizeof low);
  } else {
    compare(nft, NFT_CMP_GTE, &low, sizeof low);
    compare(nft, NFT_CMP_LTE, &high, sizeof high);
  }
}

void nft_ports(struct nft *nft, uint16_t first, uint16_t last) {
  load_payload(nft, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof first); /* the same in TCP and UDP */
  compare_ports(nft, first, last);
}

void nft_original_ports(struct nft *nft, uint16_t first, uint16_t last) {
  load_original(nft, NFT_CT_PROTO_DST);
  compare_ports(nft, first, last);
}

void nft_icmp_type(struct nft *nft, int type) {
  nft_is_ipv4(nft, 1);
  const unsigned char value = (unsigned char)type;
  nft_protocol(nft, IPPROTO_ICMP);
  load_payload(nft, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof value);
  compare(nft, NFT_CMP_EQ, &value, sizeof value);
}

static void any_bit(struct nft *nft, uint32_t bits) {
  const uint32_t none = 0;
  mask(nft, bits);
  compare(nft, NFT_CMP_NEQ, &none, sizeof none);
}

void nft_state(struct nft *nft, unsigned states) {
  load_conntrack(nft, NFT_CT_STATE);
  any_bit(nft, states);
}

void nft_destination_was_translated(struct nft *nft) {
  load_conntrack(nft, NFT_CT_STATUS);
  any_bit(nft, IPS_DST_NAT);
}

void nft_destination_is_not_unicast(struct nft *nft) {
  const uint32_t unicast = RTN_UNICAST;
  load_route(nft, NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR);
  compare(nft, NFT_CMP_NEQ, &unicast, sizeof unicast);
}

void nft_source_is_spoofed(struct nft *nft) {
  const uint32_t nowhere = 0;
  load_route(nft, NFT_FIB_RESULT_OIF, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF);
  compare(nft, NFT_CMP_EQ, &nowhere, sizeof nowhere);
}

static void count_connections(struct nft *nft, int type, uint32_t count) {
  const struct expression limit = begin(nft, type, "connlimit");
  netlink_put_be32(&nft->batch, NFTA_CONNLIMIT_COUNT, count);
  netlink_put_be32(&nft->batch, NFTA_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
  end(nft, limit);
}

void nft_more_connections_than(struct nft *nft, uint32_t count) { count_connections(nft, NFTA_LIST_ELEM, count); }

void nft_more_connections_of_source_than(struct nft *nft, const char *set, uint32_t count) {
  nft_is_ipv4(nft, 1);
  load_payload(nft, NFT_PAYLOAD_NETWORK_HEADER, SOURCE_OFFSET, sizeof(uint32_t));
  const struct expression add = begin(nft, NFTA_LIST_ELEM, "dynset");
  netlink_put_text(&nft->batch, NFTA_DYNSET_SET_NAME, set);
  netlink_put_be32(&nft->batch, NFTA_DYNSET_SET_ID, 1);
  netlink_put_be32(&nft->batch, NFTA_DYNSET_OP, NFT_DYNSET_OP_ADD);
  netlink_put_be32(&nft->batch, NFTA_DYNSET_SREG_KEY, REGISTER);
  count_connections(nft, NFTA_DYNSET_EXPR, count);
  end(nft, add);
}

void nft_set_idle_timeout(struct nft *nft, const char *name) {
  nft_is_ipv4(nft, 1);
  nft_protocol(nft, IPPROTO_TCP);
  const struct expression reference = begin(nft, NFTA_LIST_ELEM, "objref");
  netlink_put_be32(&nft->batch, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_CT_TIMEOUT);
  netlink_put_text(&nft->batch, NFTA_OBJREF_IMM_NAME, name);
  end(nft, reference);
  netlink_unnest(&nft->batch, nft->rule);
}

static void verdict(struct nft *nft, int code, const char *chain) {
  const struct expression immediate = begin(nft, NFTA_LIST_ELEM, "immediate");
  netlink_put_be32(&nft->batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  const size_t data = netlink_nest(&nft->batch, NFTA_IMMEDIATE_DATA);
  const size_t nest = netlink_nest(&nft->batch, NFTA_DATA_VERDICT);
  netlink_put_be32(&nft->batch, NFTA_VERDICT_CODE, (uint32_t)code);
  if (chain) netlink_put_text(&nft->batch, NFTA_VERDICT_CHAIN, chain);
  netlink_unnest(&nft->batch, nest);
  netlink_unnest(&nft->batch, data);
  end(nft, immediate);
  netlink_unnest(&nft->batch, nft->rule);
}

void nft_accept(struct nft *nft) { verdict(nft, NF_ACCEPT, NULL); }
void nft_drop(struct nft *nft) { verdict(nft, NF_DROP, NULL); }
void nft_go_to(struct nft *nft, const char *chain) { verdict(nft, NFT_GOTO, chain); }

static void reject(struct nft *nft, int type, unsigned char code) {
  const struct expression reject = begin(nft, NFTA_LIST_ELEM, "reject");
  netlink_put_be32(&nft->batch, NFTA_REJECT_TYPE, (uint32_t)type);
  netlink_put(&nft->batch, NFTA_REJECT_ICMP_CODE, &code, sizeof code);
  end(nft, reject);
  netlink_unnest(&nft->batch, nft->rule);
}

/* With an ICMP error, so that a connect(2) fails at once instead of waiting. */
void nft_reject(struct nft *nft) { reject(nft, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED); }

void nft_reset(struct nft *nft) {
  nft_protocol(nft, IPPROTO_TCP);
  reject(nft, NFT_REJECT_TCP_RST, 0);
}

void nft_masquerade(struct nft *nft) {
  end(nft, begin(nft, NFTA_LIST_ELEM, "masq"));
  netlink_unnest(&nft->batch, nft->rule);
}
