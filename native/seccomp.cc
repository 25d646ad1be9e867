#include "seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nodespawner {

// SECURITY: a filter that is there answers this one call with an error that no kernel has for it.
bool HasFilter(const Sandbox& sandbox) { return syscall(sandbox.filter_probe) == -1 && errno == EBADE; }

const char* InstallFilter(const Sandbox& sandbox, int* listener) {
  sock_fprog program = {static_cast<unsigned short>(sandbox.filter.size()),
                        const_cast<sock_filter*>(sandbox.filter.data())};
  const long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (fd < 0) return "seccomp(SECCOMP_SET_MODE_FILTER)";
  *listener = static_cast<int>(fd);
  if (!HasFilter(sandbox)) {
    errno = EPERM;
    return "seccomp (the filter does not answer)";
  }
  return nullptr;
}

int ReadForbiddenCall(int listener) {
  // Larger than the kernel's structure, in case that grows.
  union {
    seccomp_notif notification;
    char space[512];
  } buffer;
  memset(&buffer, 0, sizeof buffer);
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer) != 0) return -1;
  return buffer.notification.data.nr;
}

}  // namespace nodespawner
