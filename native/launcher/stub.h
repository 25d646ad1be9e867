/* Stubs (stub_protocol.h). */
#pragma once

#include <stddef.h>

#include "ids.h"
#include "options.h"

/* What a stub does not make itself. */
struct stub_place {
  int slot;
  const int *cgroup_fds; /* what each of the control groups is entered by */
  size_t cgroup_count;
  int network; /* the network namespace that it enters, or -1 */
};

/* Makes a stub, with all its namespaces. Returns its pid, or -1 with errno and the call that failed. */
pid_t make_stub(const struct launcher_options *options, const struct id_plan *ids, const struct stub_place *place,
                int *pidfd, const char **failed);
