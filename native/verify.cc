#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher/layers.h"

namespace nodespawner {
namespace {

// Reads a whole small file of /proc into `text`. Returns its length or -1.
ssize_t ReadFile(const char* path, char* text, size_t capacity) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  size_t length = 0;
  ssize_t got;
  while (length < capacity - 1 && (got = read(fd, text + length, capacity - 1 - length)) > 0) {
    length += static_cast<size_t>(got);
  }
  close(fd);
  text[length] = 0;
  return static_cast<ssize_t>(length);
}

// The number behind a name at the beginning of a line, in base 16 for sets and 10 for the rest; -1 if it is not there.
int64_t StatusField(const char* text, const char* name, int base) {
  for (const char* line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : nullptr) {
    const size_t length = strlen(name);
    if (strncmp(line, name, length) == 0) return static_cast<int64_t>(strtoull(line + length, nullptr, base));
  }
  return -1;
}

const char* VerifyStatus(const Sandbox& sandbox, int id) {
  char text[8192];
  if (ReadFile("/proc/self/status", text, sizeof text) <= 0) return "verify: /proc/self/status can't be read";
  if (StatusField(text, "NoNewPrivs:", 10) != 1) return "verify: no_new_privs is not set";
  if (sandbox.layers & LAYER_SYSCALLS && StatusField(text, "Seccomp:", 10) != 2) return "verify: seccomp is off";
  if (sandbox.layers & LAYER_CAPABILITIES) {
    for (const char* set : {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"}) {
      if (StatusField(text, set, 16) != 0) return "verify: a capability is left";
    }
  }
  if (id >= 0) {
    if (StatusField(text, "Uid:", 10) != id || StatusField(text, "Gid:", 10) != id) return "verify: wrong uid or gid";
    const char* groups = strstr(text, "Groups:");
    if (!groups || strspn(groups + 7, " \t") != strcspn(groups + 7, "\n")) return "verify: a group is left";
  }
  return nullptr;
}

const char* VerifyFiles() {
  char text[65536];
  if (ReadFile("/proc/self/mountinfo", text, sizeof text) <= 0) return "verify: mountinfo can't be read";
  // Each line: id, parent, device, root, mount point, options, … (proc_pid_mountinfo(5)). Whatever is not read-only has
  // to be the private /tmp.
  bool saw_root = false, saw_tmp = false;
  for (char* line = text; line && *line;) {
    char* next = strchr(line, '\n');
    if (next) *next++ = 0;
    char* rest = line;
    char* words[6] = {};
    for (char*& word : words) word = strsep(&rest, " ");
    if (!words[5]) return "verify: mountinfo can't be understood";
    const bool read_only = strncmp(words[5], "ro", 2) == 0;
    const bool is_tmp = strcmp(words[4], "/tmp") == 0;
    if (!read_only && !is_tmp) return "verify: a mount can be written to";
    if (!strstr(words[5], "nosuid")) return "verify: a mount allows set-user-ID programs";
    saw_root |= strcmp(words[4], "/") == 0;
    saw_tmp |= is_tmp;
    line = next;
  }
  return saw_root && saw_tmp ? nullptr : "verify: the root or /tmp is not a mount of its own";
}

}  // namespace

const char* VerifyConfinement(const Sandbox& sandbox, int id) {
  errno = EPERM;
  if (const char* wrong = VerifyStatus(sandbox, id)) return wrong;
  if (sandbox.layers & LAYER_FILES) {
    if (const char* wrong = VerifyFiles()) return wrong;
  }
  if (sandbox.layers & LAYER_DUMPABLE && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return "verify: memory is dumpable";
  return nullptr;
}

}  // namespace nodespawner
