/* Control groups (cgroups(7)), version 1 and 2: one for each live child in each of the directories that the caller
 * gave, kept and used again by the next child in the same slot, since making and removing one costs more. */
#pragma once

#include <stddef.h>

#include "options.h"

struct cgroup_events {
  unsigned oom_kills, task_fails;
};

/* In the outer process: the directories nodespawner-PID that hold all of a zygote's, and their removal at the end. */
void make_cgroup_parents(const struct launcher_options *options);
void remove_cgroup_parents(const struct launcher_options *options);

/* In init, while it still sees /sys/fs/cgroup. */
void open_cgroup_parents(const struct launcher_options *options, pid_t outer);

/* Makes the groups of a slot, or finds them from an earlier child, with their limits. Opens what each is entered by.
 * Returns how many, or -1 with errno. */
int enter_cgroups(const struct launcher_options *options, int slot, int entrances[STUB_MAX_CGROUPS]);

/* What happened in a slot since the last call. */
struct cgroup_events read_cgroup_events(int slot);
