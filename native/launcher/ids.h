/* User and group ids: those of the zygote, and one of its own for each live child. */
#pragma once

#include "options.h"

enum { CHILDREN_PER_ZYGOTE = 255 };

/* Inside the user namespace of the zygote: 0 is the host's own user, which the zygote keeps, 1 to 255 are children, and
 * the last is for stubs. Without a user namespace they are the ids outside. */
struct id_plan {
  unsigned long first_outside; /* of this zygote's own block within the caller's range */
  int children_have_ids;
};

struct id_plan plan_ids(const struct launcher_options *options);

/* From outside, for a process in a new user namespace (user_namespaces(7)). */
void write_id_maps(pid_t process, const struct id_plan *plan);

/* The id of the child in a slot, or of stubs, as the zygote and init have to say it; -1: the host's own. */
int child_id(const struct launcher_options *options, const struct id_plan *plan, int slot);
int stub_id(const struct launcher_options *options, const struct id_plan *plan);
