#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caps.h"
#include "fd_table.h"
#include "launcher/layers.h"
#include "proc_cover.h"
#include "rlimits.h"
#include "seccomp.h"

namespace nodespawner {
namespace {

// Those that a child has to have of its own, and what the zygote's are.
struct Namespace {
  unsigned layer;  // 0: always
  const char* path;
  const char* not_its_own;
  uint64_t zygotes;
} g_namespaces[] = {
    {0, "ns/pid", "verify: the PID namespace is the zygote's", 0},
    {LAYER_IPC, "ns/ipc", "verify: the IPC namespace is the zygote's", 0},
    {LAYER_UTS, "ns/uts", "verify: the UTS namespace is the zygote's", 0},
    {LAYER_NETWORK, "ns/net", "verify: the network namespace is the zygote's", 0},
    {LAYER_FILES, "ns/mnt", "verify: the mount namespace is the zygote's", 0},
    {LAYER_CGROUP, "ns/cgroup", "verify: the cgroup namespace is the zygote's", 0},
};

// Reads a whole small file of /proc/self into `text`. Returns its length or -1.
ssize_t ReadFile(int proc_self, const char* name, char* text, size_t capacity) {
  const int fd = openat(proc_self, name, O_RDONLY | O_CLOEXEC);
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

// As stat(2) tells it, for which the kernel would make a file of the namespace. 0 if it can't be read.
uint64_t NamespaceNumber(int proc_self, const char* path) {
  char link[64];  // such as "net:[4026531840]" (namespaces(7))
  const ssize_t size = readlinkat(proc_self, path, link, sizeof link - 1);
  if (size <= 0) return 0;
  link[size] = 0;
  const char* number = strchr(link, '[');
  return number ? strtoull(number + 1, nullptr, 10) : 0;
}

// The number behind a name at the beginning of a line, in base 16 for sets and 10 for the rest; -1 if it is not there.
int64_t StatusField(const char* text, const char* name, int base) {
  for (const char* line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : nullptr) {
    const size_t length = strlen(name);
    if (strncmp(line, name, length) == 0) return static_cast<int64_t>(strtoull(line + length, nullptr, base));
  }
  return -1;
}

const char* VerifyStatus(int proc_self, const Sandbox& sandbox, int id, int* fd_slots) {
  char text[8192];
  if (ReadFile(proc_self, "status", text, sizeof text) <= 0) return "verify: /proc/self/status can't be read";
  *fd_slots = static_cast<int>(StatusField(text, "FDSize:", 10));
  if (*fd_slots <= 0) return "verify: the size of the table of descriptors can't be read";
  if (StatusField(text, "NoNewPrivs:", 10) != 1) return "verify: no_new_privs is not set";
  if (sandbox.layers & LAYER_CAPABILITIES) {
    for (const char* set : {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"}) {
      if (StatusField(text, set, 16) != 0) return "verify: a capability is left";
    }
    if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != kSecureBits) return "verify: the securebits are not locked";
  }
  if (id >= 0) {
    if (StatusField(text, "Uid:", 10) != id || StatusField(text, "Gid:", 10) != id) return "verify: wrong uid or gid";
    const char* groups = strstr(text, "Groups:");
    if (!groups || strspn(groups + 7, " \t") != strcspn(groups + 7, "\n")) return "verify: a group is left";
  }
  return nullptr;
}

const char* VerifyFiles(int proc_self, bool covers_proc) {
  char text[65536];
  const ssize_t size = ReadFile(proc_self, "mountinfo", text, sizeof text);
  if (size <= 0 || size == sizeof text - 1) return "verify: mountinfo can't be read";
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
  // The one file of the host's that is left, by a link that leads past the root.
  struct statvfs program = {};
  const int exe = openat(proc_self, "exe", O_PATH | O_CLOEXEC);
  const bool has_program = fstatvfs(exe, &program) == 0;
  if (exe >= 0) close(exe);
  if (!has_program) return "verify: /proc/self/exe can't be looked at";
  if (!(program.f_flag & ST_RDONLY)) return "verify: the program of the zygote can be written to";
  if (covers_proc && ShowsMoreOfProc()) return "verify: /proc shows more than it should";
  return saw_root && saw_tmp ? nullptr : "verify: the root or /tmp is not a mount of its own";
}

const char* VerifyNamespaces(int proc_self, unsigned layers) {
  for (const Namespace& space : g_namespaces) {
    if (space.layer && !(layers & space.layer)) continue;
    const uint64_t number = NamespaceNumber(proc_self, space.path);
    if (number == 0) return "verify: a namespace can't be read";
    if (number == space.zygotes) return space.not_its_own;
  }
  if (!(layers & LAYER_USER)) return nullptr;
  // Its first line says that root is one user outside, and not all (user_namespaces(7)).
  char text[1024];
  if (ReadFile(proc_self, "uid_map", text, sizeof text) <= 0) return "verify: uid_map can't be read";
  char* end = text;
  unsigned long count = 0;
  for (int word = 0; word < 3; word++) count = strtoul(end, &end, 10);
  return count == 1 ? nullptr : "verify: the user namespace is the host's";
}

// Where packets could leave by: nothing, or the link that leads to the router, which is to speak IPv4 only. Not the
// list of links, where the kernel may have put some of its own that are down (net.core.fb_tunnels_only_for_init_net).
const char* VerifyNetwork(int proc_self, bool has_network) {
  char text[16384];
  if (ReadFile(proc_self, "net/route", text, sizeof text) < 0) return "verify: the routes can't be read";
  // Nothing where there has never been a route; else a line of headings, and one for each route, which begins with the
  // name of its link.
  bool has_route = false;
  for (const char* line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
    if (!has_network) return "verify: there is a way to a network";
    if (strncmp(line + 1, "eth0\t", 5) != 0) return "verify: there is a way past the router";
    has_route = true;
  }
  if (has_network && !has_route) return "verify: there is no way to the router";
  // A child before it may have had the namespace (launcher/networks.h). The first line counts the sockets, of all
  // kinds, that are not the kernel's own.
  if (!has_network) {
    if (ReadFile(proc_self, "net/sockstat", text, sizeof text) < 0) return "verify: the sockets can't be counted";
    if (strncmp(text, "sockets: used 0\n", 16) != 0) return "verify: a socket is in the network namespace";
  }
  // Each line is an address and what belongs to it, the name of the link last. Without IPv6 the file is not there.
  if (ReadFile(proc_self, "net/if_inet6", text, sizeof text) < 0) {
    return errno == ENOENT ? nullptr : "verify: the IPv6 addresses can't be read";
  }
  for (char* line = text; *line;) {
    char* end = strchr(line, '\n');
    if (!end || end - line < 3 || strncmp(end - 3, " lo", 3) != 0) return "verify: a link has an IPv6 address";
    line = end + 1;
  }
  return nullptr;
}

const char* VerifyCgroups(int proc_self, bool has_root_of_its_own) {
  char text[4096];
  if (ReadFile(proc_self, "cgroup", text, sizeof text) <= 0) return "verify: /proc/self/cgroup can't be read";
  // Each line: id:controllers:path (cgroups(7)); the path is seen from the cgroup namespace.
  bool is_in_group = false;
  for (char* line = text; line && *line;) {
    char* next = strchr(line, '\n');
    if (next) *next++ = 0;
    const char* path = strchr(line, '/');
    if (has_root_of_its_own && (!path || path[1])) return "verify: the control group is not its own";
    is_in_group |= path && strstr(path, "/child-");
    line = next;
  }
  return has_root_of_its_own || is_in_group ? nullptr : "verify: the control group is not its own";
}

const char* FindGap(const Sandbox& sandbox, int id, int proc_self, bool has_cgroups, int* fd_slots) {
  if (const char* wrong = VerifyStatus(proc_self, sandbox, id, fd_slots)) return wrong;
  if (const char* wrong = VerifyNamespaces(proc_self, sandbox.layers)) return wrong;
  if (sandbox.layers & LAYER_NETWORK) {
    if (const char* wrong = VerifyNetwork(proc_self, sandbox.has_network)) return wrong;
  }
  if (has_cgroups) {
    if (const char* wrong = VerifyCgroups(proc_self, sandbox.layers & LAYER_CGROUP)) return wrong;
  }
  // Not by its status, where the filter that the zygote is under looks the same.
  if (sandbox.layers & LAYER_SYSCALLS && !HasFilter(sandbox)) return "verify: seccomp is off";
  if (sandbox.layers & LAYER_LIMITS && !HasResourceLimits(sandbox)) return "verify: a resource limit is not in force";
  char adjustment[16];
  if (ReadFile(proc_self, "oom_score_adj", adjustment, sizeof adjustment) <= 0 || atoi(adjustment) != 1000) {
    return "verify: others would run out of memory first";
  }
  if (sandbox.layers & LAYER_FILES) {
    if (const char* wrong = VerifyFiles(proc_self, sandbox.covers_proc)) return wrong;
  }
  if (sandbox.layers & LAYER_DUMPABLE && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return "verify: memory is dumpable";
  return nullptr;
}

}  // namespace

const char* NoteNamespaces() {
  const int proc_self = OpenProcSelf();
  bool all = true;
  for (Namespace& space : g_namespaces) {
    space.zygotes = NamespaceNumber(proc_self, space.path);
    all = all && space.zygotes != 0;
  }
  if (proc_self >= 0) close(proc_self);
  return all ? nullptr : "readlink(/proc/self/ns)";
}

const char* VerifyNoIpcObjects() {
  // As ipcs(1) counts them.
  shm_info shared = {};
  msginfo messages = {};
  seminfo semaphores = {};
  const bool counted = shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&shared)) >= 0 &&
                       msgctl(0, MSG_INFO, reinterpret_cast<msqid_ds*>(&messages)) >= 0 &&
                       semctl(0, 0, SEM_INFO, &semaphores) >= 0;
  if (!counted && errno == ENOSYS) return nullptr;  // a kernel without them
  const bool has_objects = shared.used_ids != 0 || messages.msgpool != 0 || semaphores.semusz != 0;
  errno = EPERM;
  return counted && !has_objects ? nullptr : "verify: an object is in the IPC namespace";
}

const char* VerifyNoNewNamespaces(const Sandbox& sandbox) {
  if (sandbox.layers & LAYER_CAPABILITIES && (unshare(CLONE_NEWUTS) == 0 || errno != EPERM)) {
    errno = EPERM;
    return "verify: a namespace could be made";
  }
  // A user namespace would come with all capabilities in it, whoever makes it.
  if (sandbox.layers & LAYER_USER && sandbox.layers & LAYER_FILES && unshare(CLONE_NEWUSER) == 0) {
    errno = EPERM;
    return "verify: a user namespace could be made";
  }
  return nullptr;
}

const char* VerifyConfinement(const Sandbox& sandbox, int id, int proc_self, const int* keep, size_t keep_count,
                              bool has_cgroups) {
  int fd_slots = 0;
  const char* gap = FindGap(sandbox, id, proc_self, has_cgroups, &fd_slots);
  close(proc_self);
  if (!gap && HasOtherFds(keep, keep_count, fd_slots)) gap = "verify: a descriptor is left";
  errno = EPERM;
  return gap;
}

}  // namespace nodespawner
