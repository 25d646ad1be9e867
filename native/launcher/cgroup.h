/* Control groups (cgroups(7)), version 1 and 2: one for each live child in each of the directories that the caller
 * gave, kept and used again by a later child, since making and removing one costs more. */
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

/* Takes groups that no child is in, or makes some, with their limits; opens what each is entered by. Returns how many,
 * or -1 with errno. `*group` is for leave_cgroups(), in either case. */
int enter_cgroups(const struct launcher_options *options, int *group, int entrances[STUB_MAX_CGROUPS]);

/* When all processes of a child are gone: its groups are for another. Returns what has happened in them. */
struct cgroup_events leave_cgroups(int group);
