/* The stubs of a zygote (stub.h): those that children have, those that wait for a child, and those that have had one
 * and rest. For the kernel to make the namespaces of a stub, and to take them apart, takes longer than all else that a
 * stub is.
 *
 * SECURITY: the zygote gives back stubs of children that could leave nothing there: the filter lets them start no
 * process, make no object of System V IPC and no message queue, mount nothing and set no name; and they have no
 * capability over the namespaces. What is a child's own and not empty at its end, its mounts, goes with it. Its ids,
 * those of processes among them, are not those that the next one has by chance: user ids rest a while, and process ids
 * begin anew (native/pid_numbers.h). Each child looks for what could be left before it is given anything to run
 * (native/verify.cc). */
#pragma once

#include <sys/types.h>

#include "ids.h"
#include "options.h"

/* In init, before any of the following: whose, and the socket to the zygote. */
void hold_stubs(const struct launcher_options *options, const struct id_plan *ids, int socket);

/* Tells the zygote of a stub that has rested longest or is new, or why there is none. */
void offer_stub(void);

/* When the zygote has reaped a child that can have left nothing. */
void take_stub_back(pid_t pid);

/* When a stub, or something else, has been reaped. */
void stub_has_ended(pid_t pid);
