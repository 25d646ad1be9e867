// The zygote's life after it is sealed: it answers the host's requests in a native call, and runs no JavaScript, so
// that children start from the same heap and the zygote dirties almost no page. Until it is warm it comes back from
// that call in between (docs/native.md).
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

// Has init make what the first children need, which takes it as long as sealing takes us. Comes first.
void AskForStubs(const ServeOptions& options);

// Tells the host that it can ask for children.
std::optional<Failure> BeginToServe(const ServeOptions& options);

// Who has been cloned.
struct Clone {
  int fd;         // a child's job socket, or what a scout reports to
  bool is_scout;  // a clone that is nobody's child: it shows which pages a job writes to
};

enum class ServeUntil { kQuiet, kEnd };

constexpr int kQuiet = -1;

// Returns once in each clone. In the zygote it ends the process when the host has closed its end of the control socket
// or init is gone; if asked to, it returns, with kQuiet in the place of `fd`, when nobody has wanted anything for a
// while, or there were so many requests that whatever makes children cheaper is to be done now. Until the end: sends a
// scout first.
Clone Serve(ServeUntil until);

// Whether somebody waits for the zygote to serve on. After so many requests nobody does, for a while.
bool IsWanted();

}  // namespace nodespawner
