/* The network of the profile `network`. Three kinds of namespaces:
 *
 *   the host's -- nspawn1a2b3c4d : up -- the router's -- c100 : eth0 -- each child's
 *
 * Each child's is its stub's. The router's is init's; nobody but init is in it, and its firewall decides what is let
 * through, for all children alike. What the host's namespace needs, a link, a route to the router and a table of
 * nf_tables, the outer process makes and keeps: all of it is gone when that process and init are, whatever ends them.
 */
#pragma once

#include <sys/types.h>

#include "options.h"

struct network_failure {
  const char *step, *hint;
};

/* In the outer process, once init has a namespace of its own. Returns the router's address, or 0 and what failed. */
uint32_t attach_router(const struct launcher_options *options, pid_t init, struct network_failure *failure);
void detach_router(void);

/* In init, before it has a namespace of its own and when it has one that is attached. */
void enter_router(void);
void start_router(const struct launcher_options *options, uint32_t address);

/* In init, before it makes the stub of a slot, and when that has ended: nothing goes to or fro any more. */
void name_next_link(int slot);
void cut_link(int slot);

/* In the stub. Returns the call that failed, or NULL. */
const char *join_router(const struct launcher_options *options, int slot);
