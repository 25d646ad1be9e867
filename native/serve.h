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
  int ring_fd;                    // to pin memory with (pinned_pages.h)
  int spare_stubs;                // how many are made ahead of demand
  int threads, threads_left_out;  // told to the host
  Sandbox sandbox;                // of every child
};

// Who has been cloned.
struct Clone {
  int fd;         // a child's job socket, or what a scout reports to
  bool is_scout;  // a clone of the first child's time that is nobody's child: it shows which pages a job writes to
};

// Returns once in each clone. In the zygote it ends the process when the host has closed its end of the control socket
// or init is gone. A Failure means that serving could not start.
std::optional<Failure> Serve(const ServeOptions& options, Clone* clone);

}  // namespace nodespawner
