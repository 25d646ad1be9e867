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

/* The same of groups that a stub is in already. Returns 0, or -1 with errno. */
int open_cgroups(int group, int entrances[STUB_MAX_CGROUPS]);

/* Where they are not open, -1 is in their place. */
void close_cgroups(int entrances[STUB_MAX_CGROUPS]);

/* When all processes of a child are gone: what has happened in its groups since it was asked last. */
struct cgroup_events read_cgroup_events(int group);

/* Whether more memory is charged to a group that nothing runs in than another child is to find there. */
int are_cgroups_charged(int group);

/* Whether there is one process in a group, with one thread; not where the kernel doesn't count them. */
int has_one_task(int group);

/* When nobody is in there: they are for another child. */
void leave_cgroups(int group);
