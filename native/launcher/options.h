/* The command line of the launcher. Mechanism only: everything that is decided is decided by who calls it. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "stub_protocol.h"

enum { MAX_BINDS = 64, MAX_WRITES = 16, MAX_BLOCKED = 64, MAX_NETWORK_RULES = 256 };

/* Addresses are numbers in the host's byte order. */
struct address_range {
  uint32_t first, count;
};

struct network {
  uint32_t address;
  int bits;
};

struct network_rule {
  uint32_t address;
  int bits;
  int protocol; /* IPPROTO_TCP or IPPROTO_UDP */
  uint16_t first_port, last_port;
  int named; /* counts even where it is blocked, or the host's own */
};

struct launcher_options {
  pid_t host;                         /* --host=PID */
  unsigned layers;                    /* --layers=BITS, of layers.h */
  unsigned long first_uid, uid_count; /* --child-ids=FIRST:COUNT, outside; COUNT 0: children keep the host's */
  const char *binds[MAX_BINDS];       /* --bind=PATH, read-only under the same path */
  int bind_count;
  const char *cgroups[STUB_MAX_CGROUPS]; /* --cgroup=DIRECTORY, which may hold memory.*, pids.* or cpu.* files */
  int cgroup_count;
  unsigned long memory_bytes, tasks; /* --memory=BYTES, --tasks=COUNT; 0: unlimited */
  const char *writes[MAX_WRITES];    /* --write=PATH:TEXT, a file of the new root */
  int write_count;
  struct address_range link_addresses;        /* --network-links=FIRST:COUNT; COUNT 0: there is no network */
  struct address_range child_addresses;       /* --network-children=FIRST:COUNT, COUNT a multiple of 256 */
  uint32_t connections_each, connections_all; /* --connections=EACH:ALL:SECONDS, of a child and of all children */
  uint32_t idle_seconds;                      /* after which a silent connection is forgotten */
  struct network blocked[MAX_BLOCKED];        /* --blocked=ADDRESS:BITS */
  int blocked_count;
  struct network_rule network_rules[MAX_NETWORK_RULES]; /* --reach=ADDRESS:BITS:PROTOCOL:FIRST:LAST:NAMED */
  int network_rule_count;
  int reuse_networks; /* --reuse-networks, of children that are gone */
  char **command;     /* what follows --: a program, its argv[0], arguments */
};

/* Exits with a message for words that it does not know. */
struct launcher_options parse_options(char **arguments);
