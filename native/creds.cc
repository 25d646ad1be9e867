#include "creds.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nodespawner {

// The raw calls: libc's would have all other threads follow, which are not there.
const char* SwitchIds(uid_t id) {
  if (syscall(SYS_setgroups, 0, nullptr) != 0) return "setgroups";
  if (syscall(SYS_setresgid, id, id, id) != 0) return "setresgid";
  if (syscall(SYS_setresuid, id, id, id) != 0) return "setresuid";
  uid_t real, effective, saved;
  if (syscall(SYS_getresuid, &real, &effective, &saved) != 0) return "getresuid";
  if (real != id || effective != id || saved != id) {
    errno = EPERM;
    return "setresuid (an id is left)";
  }
  return nullptr;
}

}  // namespace nodespawner
