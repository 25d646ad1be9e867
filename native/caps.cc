#include "caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nodespawner {

const char* DropCapabilities() {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return "prctl(PR_CAP_AMBIENT_CLEAR_ALL)";
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capset, &header, sets) != 0) return "capset";
  if (syscall(SYS_capget, &header, sets) != 0) return "capget";
  for (const auto& set : sets) {
    if (set.effective || set.permitted || set.inheritable) {
      errno = EPERM;
      return "capset (a capability is left)";
    }
  }
  return nullptr;
}

}  // namespace nodespawner
