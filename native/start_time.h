// When the process started, as process.uptime() counts it.
#pragma once

namespace nodespawner {

// Looks up node::per_process::node_start_time; false where this build of Node does not export it.
bool FindStartTime();

// In the child: the process starts now. False where the place was not found.
bool ResetStartTime();

}  // namespace nodespawner
