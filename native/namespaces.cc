#include "namespaces.h"

#include <sched.h>

#include "launcher/layers.h"

namespace nodespawner {

const char* EnterNamespaces(int pidfd, unsigned layers) {
  int flags = 0;
  if (layers & LAYER_FILES) flags |= CLONE_NEWNS;  // and with it root and working directory
  if (layers & LAYER_IPC) flags |= CLONE_NEWIPC;
  if (layers & LAYER_UTS) flags |= CLONE_NEWUTS;
  if (layers & LAYER_NETWORK) flags |= CLONE_NEWNET;
  if (layers & LAYER_CGROUP) flags |= CLONE_NEWCGROUP;
  if (flags && setns(pidfd, flags) != 0) return "setns";
  return nullptr;
}

}  // namespace nodespawner
