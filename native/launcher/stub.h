/* Stubs (stub_protocol.h). */
#pragma once

#include <stddef.h>

#include "ids.h"
#include "options.h"

/* Makes the stub for a slot, with all its namespaces. Returns its pid, or -1 with errno and the call that failed. */
pid_t make_stub(const struct launcher_options *options, const struct id_plan *ids, int slot, const int *cgroup_fds,
                size_t cgroup_count, int *pidfd, const char **failed);
