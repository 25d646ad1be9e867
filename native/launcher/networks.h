/* Network namespaces that children have one after the other: the kernel takes longer to make one, and to take it apart,
 * than for all else that a stub is. No two that live have the same.
 *
 * SECURITY: only for children that can put nothing into one (--reuse-networks): they can make no socket, have no
 * capability over it, and see nothing of it in /proc. Even if they could, all that an unprivileged process leaves
 * behind in a namespace without a link that is up goes with its last socket, and each child looks for sockets before it
 * is given anything to run (native/verify.cc). */
#pragma once

#include <sys/types.h>

#include "options.h"

/* A descriptor of one that nobody is in, or -1: then the stub is to make one. */
int take_network(void);

/* Once it has: of that of the stub. -1 where it can't be had. */
int open_network(const struct launcher_options *options, pid_t stub);

/* When the stub has been reaped, and with it all who were in there. Does nothing with -1. */
void give_network_back(int network);
