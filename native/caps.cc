#include "caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nodespawner {

const char* LockCapabilities() {
  // The kernel says EINVAL for the first that it does not have.
  for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return "prctl(PR_CAPBSET_DROP)";
  }
  if (prctl(PR_SET_SECUREBITS, kSecureBits, 0, 0, 0) != 0) return "prctl(PR_SET_SECUREBITS)";
  return nullptr;
}

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
