// The zygote's life after it is sealed: one native call that answers the host's requests and never runs JavaScript, so
// that all children start from the same heap and the zygote dirties almost no page.
#pragma once

#include <optional>
#include <vector>

#include "failure.h"
#include "sandbox.h"

namespace nodespawner {

struct ServeOptions {
  int control_fd;                 // to the host (control.h)
  int stub_fd;                    // to init (launcher/stub_protocol.h)
  int spare_stubs;                // how many are made ahead of demand
  int threads, threads_left_out;  // told to the host
  Sandbox sandbox;                // of every child
};

// Returns once in each child, with the child's job socket. In the zygote it ends the process when the host has closed
// its end of the control socket or init is gone. A Failure means that serving could not start.
std::optional<Failure> Serve(const ServeOptions& options, int* job_fd);

}  // namespace nodespawner
